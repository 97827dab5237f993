//! Rewrites the content of a page to what pdf-extract gets right.
//!
//! The operators of a page are followed here, and only characters come out, each where it stands, into the [`Script`].
//! Forms are followed where they are drawn, with their matrix and their own resources; strings are decoded with their own
//! font; everything that is not text is left out.

use std::rc::Rc;

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::filter;
use super::font::{Font, Fonts};
use super::object::{self, IDENTITY, Matrix, as_dictionary, entry};
use super::path::Paths;
use super::script::Script;
use super::syntax::{Lexer, Token};

/// Deepest nesting of forms; a form that draws itself is also cut by its id.
const FORM_DEPTH_MAX: usize = 32;
/// Most forms drawn on one page.
const FORMS_MAX: usize = 5_000;
/// Most operators on one page, forms included.
const OPERATORS_MAX: usize = 5_000_000;
/// Most graphics states saved at once.
const STATES_MAX: usize = 512;

/// Rewrites content streams, one after another, into one script.
pub struct Rewriter<'a> {
    document: &'a Document,
    fonts: &'a mut Fonts,
    /// What has been written.
    pub script: Script,
    /// What has been drawn.
    pub paths: Paths,
    state: State,
    saved: Vec<State>,
    line: Line,
    forms: usize,
    operators: usize,
    /// Forms being drawn, outermost first.
    trail: Vec<ObjectId>,
}

#[derive(Clone)]
struct State {
    /// From the space of the content to that of the page.
    matrix: Matrix,
    font: Option<Rc<Font>>,
    size: f64,
    character_space: f64,
    word_space: f64,
    /// Horizontal scaling, 1 as a rule.
    scale: f64,
    leading: f64,
    rise: f64,
}

/// Where a line of text begins, and how far its text has come from there: to the right, and down.
///
/// pdf-extract knows only writing to the right. Text of a vertical font is turned by a quarter, so that this runs down
/// the page, and the layout reads its columns as rows of a turned page.
#[derive(Clone)]
struct Line {
    matrix: Matrix,
    advance: f64,
    fallen: f64,
}

impl Line {
    fn at(matrix: Matrix) -> Self {
        Self { matrix, advance: 0.0, fallen: 0.0 }
    }

    fn moved(&self, x: f64, y: f64) -> Self {
        Self::at(object::then(&[1.0, 0.0, 0.0, 1.0, x, y], &self.matrix))
    }
}

impl<'a> Rewriter<'a> {
    /// Starts with an empty page.
    pub fn new(document: &'a Document, fonts: &'a mut Fonts) -> Self {
        let state = State {
            matrix: IDENTITY,
            font: None,
            size: 0.0,
            character_space: 0.0,
            word_space: 0.0,
            scale: 1.0,
            leading: 0.0,
            rise: 0.0,
        };
        Self {
            document,
            fonts,
            script: Script::default(),
            paths: Paths::default(),
            state,
            saved: Vec::new(),
            line: Line::at(IDENTITY),
            forms: 0,
            operators: 0,
            trail: Vec::new(),
        }
    }

    /// Adds a content stream, which leaves no state behind.
    pub fn add(&mut self, content: &[u8], resources: &Dictionary, matrix: &Matrix) {
        let saved = std::mem::take(&mut self.saved);
        let (state, line) = (self.state.clone(), self.line.clone());
        self.state.matrix = object::then(matrix, &state.matrix);
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
                self.operator(operator, &operands, resources);
            }
            operands.clear();
        }
        (self.saved, self.state, self.line) = (saved, state, line);
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

    fn operator(&mut self, operator: &[u8], operands: &[Token], resources: &Dictionary) {
        match operator {
            b"q" if self.saved.len() < STATES_MAX => self.saved.push(self.state.clone()),
            b"Q" => self.state = self.saved.pop().unwrap_or_else(|| self.state.clone()),
            b"cm" => {
                let matrix = numbers(operands).unwrap_or(IDENTITY);
                self.state.matrix = object::then(&matrix, &self.state.matrix);
            }
            b"Tf" => self.select_font(operands, resources),
            b"gs" => self.select_state(operands, resources),
            b"Do" => self.draw(operands, resources),
            b"Tc" | b"Tw" | b"Tz" | b"TL" | b"Ts" => self.set(operator, operands),
            b"BT" | b"Tm" | b"Td" | b"TD" | b"T*" => self.go(operator, operands),
            b"m" | b"l" | b"h" | b"re" | b"c" | b"v" | b"y" => self.draw_path(operator, operands),
            b"n" | b"S" | b"s" | b"f" | b"F" | b"f*" | b"B" | b"B*" | b"b" | b"b*" => self.paths.paint(operator),
            b"Tj" | b"TJ" => self.show(operands.last()),
            b"'" | b"\"" => {
                if let (b"\"", [.., Token::Number(word), Token::Number(character), _]) = (operator, operands) {
                    self.state.word_space = *word;
                    self.state.character_space = *character;
                }
                self.line = self.line.moved(0.0, -self.state.leading);
                self.show(operands.last());
            }
            _ => {}
        }
    }

    fn draw_path(&mut self, operator: &[u8], operands: &[Token]) {
        let matrix = &self.state.matrix;
        match (operator, numbers::<2>(operands), numbers::<4>(operands)) {
            (b"m", Some([x, y]), _) => self.paths.begin(x, y, matrix),
            (b"l", Some([x, y]), _) => self.paths.line(x, y, matrix),
            (b"re", _, Some(corner_and_size)) => self.paths.add_box(corner_and_size, matrix),
            (b"h", ..) => self.paths.close(),
            _ => self.paths.bend(),
        }
    }

    /// Follows what the text state says.
    fn set(&mut self, operator: &[u8], operands: &[Token]) {
        let Some([number]) = numbers(operands) else { return };
        match operator {
            b"Tc" => self.state.character_space = number,
            b"Tw" => self.state.word_space = number,
            b"Tz" => self.state.scale = number / 100.0,
            b"TL" => self.state.leading = number,
            _ => self.state.rise = number,
        }
    }

    /// Follows where the line of text begins.
    fn go(&mut self, operator: &[u8], operands: &[Token]) {
        match operator {
            b"BT" => self.line = Line::at(IDENTITY),
            b"Tm" => self.line = numbers(operands).map_or_else(|| self.line.clone(), Line::at),
            b"T*" => self.line = self.line.moved(0.0, -self.state.leading),
            _ => {
                let Some([x, y]) = numbers(operands) else { return };
                if operator == b"TD" {
                    self.state.leading = -y;
                }
                self.line = self.line.moved(x, y);
            }
        }
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
        let State { matrix, size, character_space, scale, rise, .. } = self.state;
        // Up is positive for what is between characters of vertical text, but an adjustment of either goes back.
        let (own, space) = match font.vertical {
            true => ([0.0, -1.0, 1.0, 0.0, 0.0, -self.line.fallen], -character_space),
            false => ([scale, 0.0, 0.0, 1.0, self.line.advance, rise], character_space),
        };
        self.script.go(object::then(&object::then(&own, &self.line.matrix), &matrix), size, space);
        let mut moved = 0.0;
        for item in items {
            moved += match item {
                Token::Text(bytes) => self.show_text(&font, bytes),
                Token::Number(adjustment) if font.vertical => self.script.adjust(-adjustment),
                Token::Number(adjustment) => self.script.adjust(*adjustment),
                _ => 0.0,
            };
        }
        match font.vertical {
            true => self.line.fallen += moved,
            false => self.line.advance += moved * scale,
        }
    }

    /// Shows a string and returns how far the pen went.
    fn show_text(&mut self, font: &Font, mut bytes: &[u8]) -> f64 {
        let (word_space, size) = (self.state.word_space, self.state.size);
        let is_spaced = word_space != 0.0 && size != 0.0 && !font.vertical;
        let mut moved = 0.0;
        while let Some(code) = font.code(&mut bytes) {
            moved += self.script.show(font, code);
            if is_spaced && code.bytes == b" " {
                moved += self.script.adjust(-word_space * 1000.0 / size);
            }
        }
        moved
    }
}

/// Returns the last `N` numbers among operands.
fn numbers<const N: usize>(operands: &[Token]) -> Option<[f64; N]> {
    let mut last = [0.0; N];
    let mut count = 0;
    for number in operands.iter().rev().filter_map(Token::number).take(N) {
        count += 1;
        last[N - count] = number;
    }
    (count == N).then_some(last)
}
