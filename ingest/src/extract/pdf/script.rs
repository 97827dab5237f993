//! Writes the page that pdf-extract is to run: characters by number, where each stretch of them starts, and nothing else.
//!
//! Half of what a page costs is pdf-extract's reading of this, so it is kept short: one font, one array for as long as
//! characters follow each other on a line, however many operators placed them. Knows no operators of the file.

use std::collections::HashMap;
use std::rc::Rc;

use lopdf::{Dictionary, Object, Stream, dictionary};

use super::font::{Code, Font};
use super::object::Matrix;
use super::stage;

/// Most different characters on one page; below the surrogates, so that each number is a character.
const ALPHABET_MAX: usize = 0xd000;
/// Largest distance from where a character stands, in font sizes, that is not written.
const SLACK: f64 = 0.0005;
/// Advance of a character that is written downwards, in thousandths of the font size.
const DOWN: f64 = 1000.0;

/// A character as one font means it, with what the layout wants to know of that font.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Letter {
    /// Its text; empty for a code without a meaning.
    pub text: Rc<str>,
    /// Whether its font is bold.
    pub bold: bool,
    /// Advance in hundredths of a thousandth of the font size.
    width: i64,
}

/// The different characters of a page, each with a number from 1.
#[derive(Default)]
pub struct Alphabet {
    letters: Vec<Letter>,
    numbers: HashMap<Letter, usize>,
}

impl Alphabet {
    /// Returns the letter with a number.
    pub fn letter(&self, number: usize) -> Option<&Letter> {
        self.letters.get(number.checked_sub(1)?)
    }

    /// Returns the font that shows every letter as the character with its number, and the stream it refers to.
    fn font(&self) -> (Dictionary, Stream) {
        let widths: Vec<Object> = self.letters.iter().map(|it| Object::Real(it.width as f32 / 100.0)).collect();
        let descendant = dictionary! {
            "Type" => "Font", "Subtype" => "CIDFontType2", "BaseFont" => "F", "DW" => 0,
            "FontDescriptor" => dictionary! { "Type" => "FontDescriptor" }, "W" => vec![1.into(), widths.into()],
        };
        let font = dictionary! {
            "Type" => "Font", "Subtype" => "Type0", "BaseFont" => "F", "Encoding" => "Identity-H",
            "DescendantFonts" => vec![descendant.into()], "ToUnicode" => (100, 0),
        };
        let last = self.letters.len();
        let map = format!("1 beginbfrange <0001> <{last:04x}> <0001> endbfrange ");
        (font, Stream::new(Dictionary::new(), map.into_bytes()))
    }

    fn number(&mut self, letter: Letter) -> usize {
        if let Some(number) = self.numbers.get(&letter) {
            return *number;
        }
        if self.letters.len() >= ALPHABET_MAX {
            return ALPHABET_MAX;
        }
        self.letters.push(letter.clone());
        self.numbers.insert(letter, self.letters.len());
        self.letters.len()
    }
}

/// What a code of a font came to on this page.
#[derive(Clone, Copy)]
struct Known {
    number: usize,
    width: f64,
    has_text: bool,
}

/// How far the stretch that is being written has come.
struct Stretch {
    /// Where it started.
    start: Matrix,
    size: f64,
    space: f64,
    /// How far the pen is from there, in its own measure.
    pen: f64,
    /// Whether a string is open in the array.
    in_text: bool,
}

/// A page for pdf-extract.
#[derive(Default)]
pub struct Script {
    alphabet: Alphabet,
    known: HashMap<(usize, u32, usize), Known>,
    /// How often each code without a meaning was shown.
    unknown: HashMap<(usize, u32), usize>,
    out: String,
    stretch: Option<Stretch>,
}

impl Script {
    /// Returns how many codes without a meaning were shown. The commonest is left out: it is mostly the space, which
    /// producers do not map.
    pub fn unknown(&self) -> usize {
        self.unknown.values().sum::<usize>() - self.unknown.values().max().copied().unwrap_or_default()
    }

    /// Lets pdf-extract run what was written and returns the placed characters with their alphabet.
    ///
    /// # Errors
    /// A short reason, when pdf-extract refused the page.
    pub fn run(mut self, characters_max: usize) -> Result<(Vec<stage::Placed>, Alphabet), String> {
        self.end();
        if self.alphabet.letters.is_empty() {
            return Ok((Vec::new(), self.alphabet));
        }
        let (font, map) = self.alphabet.font();
        let placed = stage::run(font, vec![map], self.out.into_bytes(), characters_max)?;
        Ok((placed, self.alphabet))
    }

    /// Goes to where the next character stands; `space` is added to the advance of each.
    pub fn go(&mut self, to: Matrix, size: f64, space: f64) {
        let ahead = self.stretch.as_ref().filter(|it| it.size == size && it.space == space);
        if let Some(ahead) = ahead.and_then(|stretch| stretch.ahead(&to)) {
            if ahead.abs() > SLACK * size.abs() {
                self.adjust(-ahead * 1000.0 / size);
            }
            return;
        }
        self.end();
        self.out.push_str("/F ");
        self.operands("Tf", &[size]);
        self.operands("Tc", &[space]);
        self.operands("Tm", &to);
        self.out.push('[');
        self.stretch = Some(Stretch { start: to, size, space, pen: 0.0, in_text: false });
    }

    /// Writes one character and returns how far the pen went.
    pub fn show(&mut self, font: &Font, code: Code) -> f64 {
        let key = (font.number, code.code, code.bytes.len());
        let known = self.known.get(&key).copied().unwrap_or_else(|| self.learn(key, font, code));
        if !known.has_text {
            let code = if self.unknown.len() < ALPHABET_MAX { code.code } else { u32::MAX };
            *self.unknown.entry((font.number, code)).or_default() += 1;
        }
        let Some(stretch) = &mut self.stretch else { return 0.0 };
        if !stretch.in_text {
            stretch.in_text = true;
            self.out.push('<');
        }
        for shift in [12, 8, 4, 0] {
            self.out.push(char::from(b"0123456789abcdef"[known.number >> shift & 15]));
        }
        let advance = known.width * stretch.size / 1000.0 + stretch.space;
        stretch.pen += advance;
        advance
    }

    /// Moves the pen back by thousandths of the font size and returns how far it went.
    pub fn adjust(&mut self, thousandths: f64) -> f64 {
        let Some(stretch) = &mut self.stretch else { return 0.0 };
        if std::mem::take(&mut stretch.in_text) {
            self.out.push('>');
        }
        let advance = -thousandths * stretch.size / 1000.0;
        stretch.pen += advance;
        self.write(thousandths);
        advance
    }

    fn learn(&mut self, key: (usize, u32, usize), font: &Font, code: Code) -> Known {
        let meaning = font.meaning(code);
        let width = if font.vertical { DOWN } else { meaning.width.clamp(-1e5, 1e5) };
        let has_text = !meaning.text.is_empty();
        let letter = Letter { text: meaning.text.into(), bold: font.bold, width: (width * 100.0).round() as i64 };
        let known = Known { width: letter.width as f64 / 100.0, number: self.alphabet.number(letter), has_text };
        if self.known.len() < ALPHABET_MAX {
            self.known.insert(key, known);
        }
        known
    }

    fn end(&mut self) {
        if let Some(stretch) = self.stretch.take() {
            self.out.push_str(if stretch.in_text { ">] TJ\n" } else { "] TJ\n" });
        }
    }

    fn operands(&mut self, operator: &str, numbers: &[f64]) {
        for number in numbers {
            self.write(*number);
        }
        self.out.push_str(operator);
        self.out.push('\n');
    }

    /// Writes a number with up to six digits behind the point; there is no exponent, which the format does not know.
    fn write(&mut self, number: f64) {
        let number = if number.is_finite() { number.clamp(-1e9, 1e9) } else { 0.0 };
        let millionths = (number * 1e6).round() as i64;
        let (whole, mut rest) = (millionths.unsigned_abs() / 1_000_000, millionths.unsigned_abs() % 1_000_000);
        if millionths < 0 {
            self.out.push('-');
        }
        self.out.push_str(&whole.to_string());
        if rest > 0 {
            self.out.push('.');
        }
        while rest > 0 {
            self.out.push(char::from(b'0' + (rest / 100_000) as u8));
            rest = rest % 100_000 * 10;
        }
        self.out.push(' ');
    }
}

impl Stretch {
    /// Returns how far ahead of the pen a place on the same line is; `None` if it is not on it.
    fn ahead(&self, to: &Matrix) -> Option<f64> {
        let [a, b, c, d, x, y] = self.start;
        let (right, up) = (to[4] - x, to[5] - y);
        let area = a * d - b * c;
        let (along, above) = ((right * d - up * c) / area, (up * a - right * b) / area);
        let is_line = to[..4] == self.start[..4] && above.abs() <= SLACK * self.size.abs();
        let ahead = along - self.pen;
        // Also false for what is no number.
        (is_line && ahead.abs() < 1e6).then_some(ahead)
    }
}
