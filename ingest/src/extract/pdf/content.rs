//! Rewrites the content of a page to what pdf-extract gets right.
//!
//! What comes out uses one font and a dozen operators. Forms are copied in where they stand, with their matrix and
//! their own resources; strings are decoded with their own font and written as numbers of the [`Alphabet`]; quotes
//! become `T*` and `Tj`; word spacing becomes an adjustment; everything that is not text is left out.

use std::collections::HashMap;
use std::fmt::Write;
use std::rc::Rc;

use lopdf::{Dictionary, Document, Object, ObjectId, Stream, dictionary};

use super::font::{Code, Font, Fonts};
use super::object::{self, IDENTITY, Matrix, as_dictionary, entry};
use super::syntax::{Lexer, Token};
use super::{filter, stage};

/// Deepest nesting of forms; a form that draws itself is also cut by its id.
const FORM_DEPTH_MAX: usize = 32;
/// Most forms drawn on one page.
const FORMS_MAX: usize = 5_000;
/// Most operators on one page, forms included.
const OPERATORS_MAX: usize = 5_000_000;
/// Most different characters on one page; below the surrogates, so that each number is a character.
const ALPHABET_MAX: usize = 0xd000;

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
    pub fn font(&self) -> (Dictionary, Stream) {
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

    fn number(&mut self, code: Code, bold: bool) -> usize {
        let width = (code.meaning.width.clamp(-1e5, 1e5) * 100.0).round() as i64;
        let letter = Letter { text: code.meaning.text.into(), bold, width };
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

/// Rewrites content streams, one after another, into one.
pub struct Rewriter<'a> {
    document: &'a Document,
    fonts: &'a mut Fonts,
    alphabet: Alphabet,
    out: String,
    state: State,
    saved: Vec<State>,
    line: Line,
    forms: usize,
    operators: usize,
    /// Forms being drawn, outermost first.
    trail: Vec<ObjectId>,
    /// How often each code without a meaning was shown.
    unknown: HashMap<u32, usize>,
}

#[derive(Clone, Default)]
struct State {
    font: Option<Rc<Font>>,
    size: f64,
    character_space: f64,
    word_space: f64,
    leading: f64,
}

/// Where a line of text begins, and how far vertical text has come down from there.
///
/// pdf-extract knows only writing to the right. Text of a vertical font is turned by a quarter, so that this runs down
/// the page, and the layout reads its columns as rows of a turned page.
struct Line {
    matrix: Matrix,
    fallen: f64,
}

impl<'a> Rewriter<'a> {
    /// Starts with an empty page.
    pub fn new(document: &'a Document, fonts: &'a mut Fonts) -> Self {
        Self {
            document,
            fonts,
            alphabet: Alphabet::default(),
            out: String::new(),
            state: State::default(),
            saved: Vec::new(),
            line: Line { matrix: IDENTITY, fallen: 0.0 },
            forms: 0,
            operators: 0,
            trail: Vec::new(),
            unknown: HashMap::new(),
        }
    }

    /// Returns how many codes without a meaning were shown. The commonest is left out: it is mostly the space, which
    /// producers do not map.
    pub fn unknown(&self) -> usize {
        self.unknown.values().sum::<usize>() - self.unknown.values().max().copied().unwrap_or_default()
    }

    /// Lets pdf-extract run what was written and returns the placed characters with their alphabet.
    ///
    /// # Errors
    /// A short reason, when pdf-extract refused the page.
    pub fn run(self, characters_max: usize) -> Result<(Vec<stage::Placed>, Alphabet), String> {
        if self.alphabet.letters.is_empty() {
            return Ok((Vec::new(), self.alphabet));
        }
        let (font, map) = self.alphabet.font();
        let placed = stage::run(font, vec![map], self.out.into_bytes(), characters_max)?;
        Ok((placed, self.alphabet))
    }

    /// Adds a content stream, enclosed so that it leaves no state behind.
    pub fn add(&mut self, content: &[u8], resources: &Dictionary, matrix: &Matrix) {
        let outer = std::mem::take(&mut self.saved);
        let before = self.state.clone();
        self.out.push_str("q\n");
        self.operands("cm", matrix);
        let mut lexer = Lexer::new(content);
        let mut operands = Vec::new();
        while let Some(token) = lexer.token() {
            let Token::Word(operator) = token else {
                operands.push(token);
                continue;
            };
            self.operators += 1;
            if self.operators > OPERATORS_MAX {
                break;
            }
            if operator == b"BI" {
                lexer.skip_inline_image();
            } else {
                self.operator(&operator, &operands, resources);
            }
            operands.clear();
        }
        for _ in 0..=self.saved.len() {
            self.out.push_str("Q\n");
        }
        self.saved = outer;
        self.state = before;
    }

    /// Adds a form: its matrix, its resources (or those around it) and its content.
    pub fn add_form(&mut self, form: &Object, matrix: &Matrix, around: &Dictionary) {
        let id = form.as_reference().ok();
        let seen = id.is_some_and(|id| self.trail.contains(&id));
        self.forms += 1;
        if seen || self.trail.len() >= FORM_DEPTH_MAX || self.forms > FORMS_MAX {
            return;
        }
        let Some(Object::Stream(stream)) = object::resolve(self.document, form) else { return };
        let Some(content) = filter::unpack(self.document, stream) else { return };
        let own = object::numbers(self.document, &stream.dict, b"Matrix").unwrap_or(IDENTITY);
        let resources = object::dictionary(self.document, &stream.dict, b"Resources").unwrap_or(around);
        self.trail.push(id.unwrap_or_default());
        self.add(&content, resources, &object::then(&own, matrix));
        self.trail.pop();
    }

    /// Follows where the line of text begins.
    fn follow(&mut self, operator: &[u8], operands: &[Token]) {
        let numbers: Vec<f64> = operands.iter().filter_map(Token::number).collect();
        let moved = match (operator, numbers.as_slice()) {
            (b"BT", _) => IDENTITY,
            (b"Tm", [.., a, b, c, d, x, y]) => [*a, *b, *c, *d, *x, *y],
            (b"Td" | b"TD", [.., x, y]) => object::then(&[1.0, 0.0, 0.0, 1.0, *x, *y], &self.line.matrix),
            (b"T*" | b"'" | b"\"", _) => {
                object::then(&[1.0, 0.0, 0.0, 1.0, 0.0, -self.state.leading], &self.line.matrix)
            }
            _ => return,
        };
        if let (b"TD", [.., y]) = (operator, numbers.as_slice()) {
            self.state.leading = -y;
        }
        self.line = Line { matrix: moved, fallen: 0.0 };
    }

    fn operator(&mut self, operator: &[u8], operands: &[Token], resources: &Dictionary) {
        self.follow(operator, operands);
        match operator {
            b"q" if self.saved.len() < 512 => {
                self.saved.push(self.state.clone());
                self.out.push_str("q\n");
            }
            b"Q" => {
                if let Some(state) = self.saved.pop() {
                    self.state = state;
                    self.out.push_str("Q\n");
                }
            }
            b"BT" => self.out.push_str("BT\n"),
            b"ET" => self.out.push_str("ET\n"),
            b"T*" => self.out.push_str("T*\n"),
            b"cm" => self.numeric::<6>("cm", operands),
            b"Tm" => self.numeric::<6>("Tm", operands),
            b"Td" => self.numeric::<2>("Td", operands),
            b"TD" => self.numeric::<2>("TD", operands),
            b"Tc" => self.space_characters(operands.last().and_then(Token::number).unwrap_or(0.0)),
            b"Tz" => self.numeric::<1>("Tz", operands),
            b"TL" => {
                self.state.leading = operands.last().and_then(Token::number).unwrap_or(0.0);
                self.numeric::<1>("TL", operands);
            }
            b"Ts" => self.numeric::<1>("Ts", operands),
            b"Tw" => self.state.word_space = operands.last().and_then(Token::number).unwrap_or(0.0),
            b"Tf" => self.select_font(operands, resources),
            b"gs" => self.select_state(operands, resources),
            b"Do" => self.draw(operands, resources),
            b"Tj" | b"TJ" => self.show(operands.last()),
            b"'" => {
                self.out.push_str("T*\n");
                self.show(operands.last());
            }
            b"\"" => {
                if let [.., Token::Number(word), Token::Number(character), _] = operands {
                    self.state.word_space = *word;
                    self.space_characters(*character);
                }
                self.out.push_str("T*\n");
                self.show(operands.last());
            }
            _ => {}
        }
    }

    /// Copies an operator with exactly `N` numbers; the last ones, where there are more.
    fn numeric<const N: usize>(&mut self, operator: &str, operands: &[Token]) {
        let numbers: Vec<f64> = operands.iter().filter_map(Token::number).collect();
        if let Some(numbers) = numbers.len().checked_sub(N).map(|first| &numbers[first..]) {
            self.operands(operator, numbers);
        }
    }

    fn operands(&mut self, operator: &str, numbers: &[f64]) {
        for number in numbers {
            self.write(*number);
        }
        self.out.push_str(operator);
        self.out.push('\n');
    }

    fn write(&mut self, number: f64) {
        let number = number.clamp(-1e9, 1e9);
        // Six digits, because a matrix may scale thousandths up; no exponent, which the format does not know.
        let written = match number.fract() == 0.0 {
            true => write!(self.out, "{} ", number as i64),
            false => write!(self.out, "{number:.6} "),
        };
        written.expect("writing to a string cannot fail");
    }

    fn space_characters(&mut self, space: f64) {
        self.state.character_space = space;
        self.operands("Tc", &[space]);
    }

    fn select_font(&mut self, operands: &[Token], resources: &Dictionary) {
        let [.., Token::Name(name), Token::Number(size)] = operands else { return };
        let fonts = object::dictionary(self.document, resources, b"Font");
        let font = fonts.and_then(|fonts| fonts.get(name).ok());
        self.use_font(font, *size);
    }

    fn use_font(&mut self, font: Option<&Object>, size: f64) {
        self.state.font = font.and_then(|font| self.fonts.font(self.document, font));
        self.state.size = size;
        self.out.push_str("/F ");
        self.operands("Tf", &[size]);
    }

    fn select_state(&mut self, operands: &[Token], resources: &Dictionary) {
        let Some(Token::Name(name)) = operands.last() else { return };
        let states = object::dictionary(self.document, resources, b"ExtGState");
        let state = states.and_then(|states| object::dictionary(self.document, states, name));
        let font = state.and_then(|state| object::array(self.document, state, b"Font"));
        if let Some([font, size]) = font {
            self.use_font(Some(font), object::as_number(self.document, size).unwrap_or(1.0));
        }
    }

    fn draw(&mut self, operands: &[Token], resources: &Dictionary) {
        let Some(Token::Name(name)) = operands.last() else { return };
        let objects = object::dictionary(self.document, resources, b"XObject");
        let Some(form) = objects.and_then(|objects| objects.get(name).ok()) else { return };
        let dictionary = object::resolve(self.document, form).and_then(as_dictionary);
        let is_form = dictionary.is_some_and(|it| {
            entry(self.document, it, b"Subtype").and_then(|name| name.as_name().ok()) != Some(b"Image")
        });
        if is_form {
            self.add_form(form, &IDENTITY, resources);
        }
    }

    fn show(&mut self, operand: Option<&Token>) {
        let Some(font) = self.state.font.clone() else { return };
        let items = match operand {
            Some(Token::Array(items)) => items.as_slice(),
            Some(text @ Token::Text(_)) => std::slice::from_ref(text),
            _ => return,
        };
        if font.vertical {
            return self.show_down(&font, items);
        }
        self.out.push('[');
        for item in items {
            match item {
                Token::Text(bytes) => self.show_text(&font, bytes),
                Token::Number(adjustment) => self.write(*adjustment),
                _ => {}
            }
        }
        self.out.push_str("] TJ\n");
    }

    /// Shows text of a vertical font, each glyph an em below the one before it.
    fn show_down(&mut self, font: &Font, items: &[Token]) {
        let turned = [0.0, -1.0, 1.0, 0.0, 0.0, -self.line.fallen];
        self.operands("Tm", &object::then(&turned, &self.line.matrix));
        // Up is positive for the room between characters as well.
        let space = self.state.character_space;
        self.operands("Tc", &[-space]);
        let mut thousandths = 0.0;
        self.out.push('[');
        for item in items {
            match item {
                Token::Text(bytes) => {
                    self.out.push('<');
                    for mut code in font.codes(bytes) {
                        code.meaning.width = 1000.0;
                        thousandths += 1000.0;
                        self.line.fallen -= space;
                        let number = self.number(code, font.bold);
                        write!(self.out, "{number:04x}").expect("writing to a string cannot fail");
                    }
                    self.out.push('>');
                }
                // An adjustment goes against the direction of writing, and up is positive here.
                Token::Number(adjustment) => {
                    thousandths += adjustment;
                    self.write(-adjustment);
                }
                _ => {}
            }
        }
        self.out.push_str("] TJ\n");
        self.line.fallen += thousandths * self.state.size / 1000.0;
        let line = self.line.matrix;
        self.operands("Tm", &line);
        self.operands("Tc", &[space]);
    }

    fn number(&mut self, code: Code, bold: bool) -> usize {
        if code.meaning.text.is_empty() {
            let code = if self.unknown.len() < ALPHABET_MAX { code.code } else { u32::MAX };
            *self.unknown.entry(code).or_default() += 1;
        }
        self.alphabet.number(code, bold)
    }

    fn show_text(&mut self, font: &Font, bytes: &[u8]) {
        self.out.push('<');
        for code in font.codes(bytes) {
            let is_space = code.code == 32 && code.length == 1;
            let number = self.number(code, font.bold);
            write!(self.out, "{number:04x}").expect("writing to a string cannot fail");
            if is_space && self.state.word_space != 0.0 && self.state.size != 0.0 {
                self.out.push('>');
                self.write(-self.state.word_space * 1000.0 / self.state.size);
                self.out.push('<');
            }
        }
        self.out.push('>');
    }
}
