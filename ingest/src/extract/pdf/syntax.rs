//! Splits the PostScript-like syntax that content streams and CMaps share into tokens.
//!
//! Lenient: a stray delimiter is skipped and never ends the stream. Knows no operators.

/// Deepest nesting of arrays and dictionaries in a content stream.
const DEPTH_MAX: usize = 32;

/// One operand or operator.
#[derive(Clone, Debug, PartialEq)]
pub enum Token<'a> {
    /// An integer or real number.
    Number(f64),
    /// A name, without its slash.
    Name(Vec<u8>),
    /// A literal or hexadecimal string.
    Text(Vec<u8>),
    /// An array.
    Array(Vec<Token<'a>>),
    /// A dictionary, in file order.
    Dictionary(Vec<(Vec<u8>, Token<'a>)>),
    /// Anything else: an operator, `true`, `null`.
    Word(&'a [u8]),
}

impl Token<'_> {
    /// Returns the number, if it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

/// A cursor over bytes.
pub struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Returns the next token, or `None` at the end.
    pub fn token(&mut self) -> Option<Token<'a>> {
        loop {
            match self.item(0)? {
                Item::Token(token) => return Some(token),
                Item::ArrayEnd | Item::DictionaryEnd => {}
            }
        }
    }

    /// Returns whether a word that is no operand comes next: the end of a list.
    pub fn at_word(&mut self) -> bool {
        self.skip_space();
        self.bytes.get(self.at).is_none_or(|byte| byte.is_ascii_alphabetic())
    }

    /// Skips the rest of an inline image whose `BI` was just read.
    pub fn skip_inline_image(&mut self) {
        let Some(data) = find_word(&self.bytes[self.at..], b"ID") else {
            self.at = self.bytes.len();
            return;
        };
        self.at += data;
        self.at += find_word(&self.bytes[self.at..], b"EI").unwrap_or(self.bytes.len() - self.at);
    }

    fn item(&mut self, depth: usize) -> Option<Item<'a>> {
        self.skip_space();
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        let token = match byte {
            b'/' => Token::Name(self.name()),
            b'(' => Token::Text(self.literal()),
            b'[' => Token::Array(self.array(depth)),
            b']' => return Some(Item::ArrayEnd),
            b'<' if self.bytes.get(self.at) == Some(&b'<') => {
                self.at += 1;
                Token::Dictionary(self.dictionary(depth))
            }
            b'<' => Token::Text(self.hexadecimal()),
            b'>' => {
                self.at += usize::from(self.bytes.get(self.at) == Some(&b'>'));
                return Some(Item::DictionaryEnd);
            }
            b'{' | b'}' | b')' => Token::Word(&self.bytes[self.at - 1..self.at]),
            _ => self.word(),
        };
        Some(Item::Token(token))
    }

    fn skip_space(&mut self) {
        while let Some(&byte) = self.bytes.get(self.at) {
            if byte == b'%' {
                while self.bytes.get(self.at).is_some_and(|b| !matches!(b, b'\n' | b'\r')) {
                    self.at += 1;
                }
            } else if is_space(byte) {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    fn regular(&mut self) -> &'a [u8] {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(|&b| !is_space(b) && !is_delimiter(b)) {
            self.at += 1;
        }
        &self.bytes[start..self.at]
    }

    fn name(&mut self) -> Vec<u8> {
        let raw = self.regular();
        let mut name = Vec::with_capacity(raw.len());
        let mut at = 0;
        while at < raw.len() {
            let escaped = raw.get(at + 1..at + 3).filter(|_| raw[at] == b'#').and_then(|pair| {
                let (high, low) = (hex_digit(pair[0])?, hex_digit(pair[1])?);
                Some(high << 4 | low)
            });
            name.push(escaped.unwrap_or(raw[at]));
            at += if escaped.is_some() { 3 } else { 1 };
        }
        name
    }

    fn word(&mut self) -> Token<'a> {
        self.at -= 1;
        let raw = self.regular();
        match number(raw) {
            Some(number) => Token::Number(number),
            None => Token::Word(raw),
        }
    }

    fn array(&mut self, depth: usize) -> Vec<Token<'a>> {
        let mut items = Vec::new();
        if depth >= DEPTH_MAX {
            return items;
        }
        loop {
            match self.item(depth + 1) {
                Some(Item::Token(token)) => items.push(token),
                Some(Item::DictionaryEnd) => {}
                Some(Item::ArrayEnd) | None => break,
            }
        }
        items
    }

    fn dictionary(&mut self, depth: usize) -> Vec<(Vec<u8>, Token<'a>)> {
        let mut entries = Vec::new();
        let mut key = None;
        if depth >= DEPTH_MAX {
            return entries;
        }
        loop {
            match (self.item(depth + 1), key.take()) {
                (Some(Item::Token(Token::Name(name))), None) => key = Some(name),
                (Some(Item::Token(value)), Some(name)) => entries.push((name, value)),
                (Some(Item::Token(_) | Item::ArrayEnd), None) => {}
                (Some(Item::ArrayEnd), name) => key = name,
                (Some(Item::DictionaryEnd) | None, _) => break,
            }
        }
        entries
    }

    fn hexadecimal(&mut self) -> Vec<u8> {
        let mut digits = Vec::new();
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            if byte == b'>' {
                break;
            }
            digits.extend(hex_digit(byte));
        }
        if digits.len() % 2 == 1 {
            digits.push(0);
        }
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    fn literal(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        let mut open = 1;
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'\\' => text.extend(self.escape()),
                b'(' => {
                    open += 1;
                    text.push(byte);
                }
                b')' => {
                    open -= 1;
                    if open == 0 {
                        break;
                    }
                    text.push(byte);
                }
                _ => text.push(byte),
            }
        }
        text
    }

    fn escape(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        match byte {
            b'n' => Some(b'\n'),
            b'r' => Some(b'\r'),
            b't' => Some(b'\t'),
            b'b' => Some(8),
            b'f' => Some(12),
            b'\n' => None,
            b'\r' => {
                self.at += usize::from(self.bytes.get(self.at) == Some(&b'\n'));
                None
            }
            b'0'..=b'7' => {
                let mut code = u32::from(byte - b'0');
                for _ in 0..2 {
                    let Some(&digit @ b'0'..=b'7') = self.bytes.get(self.at) else { break };
                    self.at += 1;
                    code = code * 8 + u32::from(digit - b'0');
                }
                Some(code as u8)
            }
            _ => Some(byte),
        }
    }
}

enum Item<'a> {
    Token(Token<'a>),
    ArrayEnd,
    DictionaryEnd,
}

/// Returns the value of a hexadecimal digit.
pub fn hex_digit(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|digit| digit as u8)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | 9 | 10 | 12 | 13 | 32)
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

/// Most digits of a number that are exact in a double without care.
const DIGITS_EXACT: usize = 15;

/// Reads a number as viewers do: `--5` and `5-3` occur, and a sign inside ends it.
fn number(raw: &[u8]) -> Option<f64> {
    if !matches!(raw.first()?, b'0'..=b'9' | b'+' | b'-' | b'.') {
        return None;
    }
    let signs = raw.iter().take_while(|byte| matches!(byte, b'+' | b'-')).count();
    let digits = &raw[signs..];
    let end = digits.iter().position(|byte| matches!(byte, b'+' | b'-')).unwrap_or(digits.len());
    let digits = &digits[..end];
    if digits == b"." {
        return Some(0.0);
    }
    let points = digits.iter().filter(|byte| **byte == b'.').count();
    if digits.is_empty() || points > 1 || !digits.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.') {
        return None;
    }
    let value = if digits.len() <= DIGITS_EXACT {
        let whole = digits.iter().filter(|byte| **byte != b'.').fold(0, |sum, byte| sum * 10 + u64::from(byte - b'0'));
        let behind = digits.iter().rev().position(|byte| *byte == b'.').unwrap_or(0);
        whole as f64 / 10_u64.pow(behind as u32) as f64
    } else {
        std::str::from_utf8(digits).ok()?.parse::<f64>().ok()?
    };
    Some(if raw[0] == b'-' { -value } else { value })
}

/// Returns the offset just behind `word` where it stands between white space.
fn find_word(bytes: &[u8], word: &[u8; 2]) -> Option<usize> {
    bytes.windows(2).enumerate().find_map(|(at, pair)| {
        let before = at == 0 || is_space(bytes[at - 1]);
        let after = bytes.get(at + 2).is_none_or(|&b| is_space(b));
        (pair == word && before && after).then_some(at + 2)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_viewers_read_them() {
        for (raw, expected) in [
            ("0", Some(0.0)),
            ("-12.5", Some(-12.5)),
            ("+.25", Some(0.25)),
            ("--5", Some(-5.0)),
            ("5-3", Some(5.0)),
            (".", Some(0.0)),
            ("-", None),
            ("1.2.3", None),
            ("1e5", None),
            ("5.928574", Some(5.928574)),
            ("123456789012345678901.5", Some(123_456_789_012_345_678_901.5)),
            ("0.000000000000000000012", Some(1.2e-20)),
        ] {
            assert_eq!(number(raw.as_bytes()), expected, "{raw}");
        }
    }
}
