//! Which number formats show dates, times or shares; every other number is shown as it is stored.

use std::collections::HashMap;

use crate::error::ReadError;
use crate::extract::date;
use crate::extract::xml::{Token, attribute, walk};
use crate::limits::Limits;

/// Days from the first day of a workbook, or of one that counts from 1904, to 1970.
const DAYS_1900: f64 = 25_569.0;
const DAYS_1904: f64 = 24_107.0;
/// A day of the year 10000, beyond which no date is meant.
const DAYS_MAX: f64 = 2_958_466.0;

/// How a number is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::extract) enum Shown {
    #[default]
    Plain,
    Date,
    Time,
    DateTime,
    Percent,
}

/// Parses the styles part: how each cell format, by number, shows numbers.
pub(super) fn parse(xml: &str, limits: &Limits) -> Result<Vec<Shown>, ReadError> {
    let mut own: HashMap<u32, Shown> = HashMap::new();
    let mut formats = Vec::new();
    let mut is_cell_format = false;
    walk(xml, limits.depth_max, |token| {
        let Token::Open(element) = token else { return Ok(()) };
        let number = || attribute(element, "numFmtId").and_then(|id| id.parse().ok());
        match element.local_name().as_ref() {
            "numFmt" => {
                let code = attribute(element, "formatCode").unwrap_or_default();
                own.extend(number().map(|id| (id, of_code(&code))));
            }
            "cellXfs" => is_cell_format = true,
            "cellStyleXfs" | "cellStyles" | "dxfs" => is_cell_format = false,
            "xf" if is_cell_format => {
                let id = number().unwrap_or(0);
                formats.push(own.get(&id).copied().unwrap_or_else(|| built_in(id)));
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(formats)
}

/// Returns how a format shows numbers that every program knows by its number.
pub(in crate::extract) fn built_in(id: u32) -> Shown {
    match id {
        9 | 10 => Shown::Percent,
        14..=17 | 27..=31 | 34..=36 | 50..=54 | 57 | 58 => Shown::Date,
        18..=21 | 32 | 33 | 45..=47 | 55 | 56 => Shown::Time,
        22 => Shown::DateTime,
        _ => Shown::Plain,
    }
}

/// Reads a format's code: letters of dates count outside quotes, brackets and escapes.
pub(in crate::extract) fn of_code(code: &str) -> Shown {
    let (mut letters, mut quoted, mut bracketed, mut escaped) = (String::new(), false, false, false);
    for character in code.split(';').next().unwrap_or_default().chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' | '_' | '*' => escaped = true,
            '"' => quoted = !quoted,
            '[' => bracketed = true,
            ']' => bracketed = false,
            _ if quoted || bracketed => {}
            _ => letters.push(character.to_ascii_lowercase()),
        }
    }
    let has = |wanted: &[char]| letters.contains(wanted);
    match () {
        () if letters.contains("general") => Shown::Plain,
        () if has(&['%']) => Shown::Percent,
        () if has(&['y', 'd', 'e']) && has(&['h', 's']) && has(&['y', 'd']) => Shown::DateTime,
        () if has(&['y', 'd']) => Shown::Date,
        () if has(&['h', 's']) => Shown::Time,
        () => Shown::Plain,
    }
}

/// Writes a stored number as its format shows it, dates as in ISO 8601.
pub(in crate::extract) fn written(stored: &str, shown: Shown, is_1904: bool) -> String {
    let Ok(number) = stored.trim().parse::<f64>() else { return stored.trim().to_owned() };
    if shown == Shown::Percent {
        return format!("{}%", rounded(number * 100.0));
    }
    let first = if is_1904 { DAYS_1904 } else { DAYS_1900 };
    if shown == Shown::Plain || !(0.0..DAYS_MAX).contains(&number) {
        return rounded(number);
    }
    let text = date::rfc3339(((number - first) * 86_400.0).round() as i64);
    let (day, time) = (&text[..10], &text[11..19]);
    match shown {
        Shown::Date => day.to_owned(),
        Shown::Time if number < 1.0 => time.to_owned(),
        Shown::Time | Shown::DateTime => format!("{day} {time}"),
        Shown::Plain | Shown::Percent => rounded(number),
    }
}

/// Writes a number with at most 12 digits, so that `0.1 + 0.2` is not `0.30000000000000004`.
fn rounded(number: f64) -> String {
    let size = number.abs();
    if size >= 1e15 || (size < 1e-9 && size > 0.0) {
        return number.to_string();
    }
    let whole_digits = if size >= 1.0 { size.log10() as usize + 1 } else { 0 };
    let text = format!("{number:.*}", 12usize.saturating_sub(whole_digits));
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_apart_by_their_code() {
        assert_eq!(of_code("yyyy\\-mm\\-dd"), Shown::Date);
        assert_eq!(of_code("[$-409]d/m/yy h:mm AM/PM;@"), Shown::DateTime);
        assert_eq!(of_code("[h]:mm:ss"), Shown::Time);
        assert_eq!(of_code("0.0%"), Shown::Percent);
        assert_eq!(of_code("#,##0.00 \"days\""), Shown::Plain);
        assert_eq!(of_code("General"), Shown::Plain);
    }

    #[test]
    fn numbers_are_written_as_they_are_shown() {
        for (stored, shown, expected) in [
            ("45690", Shown::Date, "2025-02-02"),
            ("45690.375", Shown::DateTime, "2025-02-02 09:00:00"),
            ("0.5", Shown::Time, "12:00:00"),
            ("0.155", Shown::Percent, "15.5%"),
            ("0.30000000000000004", Shown::Plain, "0.3"),
            ("1200", Shown::Plain, "1200"),
            ("-2.50", Shown::Plain, "-2.5"),
        ] {
            assert_eq!(written(stored, shown, false), expected);
        }
        assert_eq!(written("44228", Shown::Date, true), "2025-02-02");
        assert_eq!(written("n/a", Shown::Date, false), "n/a");
    }
}
