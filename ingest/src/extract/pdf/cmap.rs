//! Parses CMaps: what a font's codes mean as Unicode, how long its codes are, and which glyph numbers they name.
//!
//! Lenient where producers are sloppy: odd lengths, wrong counts and missing ends do not lose the rest. Follows no
//! `usecmap`, because the predefined maps are not shipped.

use std::collections::HashMap;

use super::syntax::{Lexer, Token};

/// Most codes of one map. Two-byte codes have 65,536; a hostile range claims more.
const CODES_MAX: usize = 1 << 17;

/// A parsed CMap.
#[derive(Clone, Debug, Default)]
pub struct CMap {
    /// Ranges of valid codes: length in bytes, lowest, highest.
    pub codespaces: Vec<(usize, u32, u32)>,
    /// Text of each code.
    pub unicode: HashMap<u32, String>,
    /// Glyph numbers: lowest code, highest code, number of the lowest.
    pub glyphs: Vec<(u32, u32, u32)>,
    /// Name of the map that this one extends.
    pub base: Option<Vec<u8>>,
}

impl CMap {
    /// Parses a CMap stream.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut map = Self::default();
        let mut lexer = Lexer::new(bytes);
        let mut last = Vec::new();
        while let Some(token) = lexer.token() {
            if let Token::Word(word) = &token {
                match *word {
                    b"usecmap" => map.base = Some(std::mem::take(&mut last)),
                    b"begincodespacerange" => map.read_codespaces(&mut lexer),
                    b"beginbfchar" => map.read_characters(&mut lexer),
                    b"beginbfrange" => map.read_ranges(&mut lexer),
                    b"begincidrange" => map.read_glyphs(&mut lexer, true),
                    b"begincidchar" => map.read_glyphs(&mut lexer, false),
                    _ => {}
                }
            } else if let Token::Name(name) = token {
                last = name;
            }
        }
        map
    }

    /// Returns the glyph number of a code.
    pub fn glyph(&self, code: u32) -> Option<u32> {
        let range = self.glyphs.iter().find(|(low, high, _)| (*low..=*high).contains(&code))?;
        Some(range.2.wrapping_add(code - range.0))
    }

    fn read_codespaces(&mut self, lexer: &mut Lexer) {
        while !lexer.at_word() && self.codespaces.len() < 256 {
            let (Some(Token::Text(low)), Some(Token::Text(high))) = (lexer.token(), lexer.token()) else { break };
            if low.len() == high.len() && (1..=4).contains(&low.len()) {
                self.codespaces.push((low.len(), code(&low), code(&high)));
            }
        }
    }

    fn read_characters(&mut self, lexer: &mut Lexer) {
        while !lexer.at_word() {
            let (Some(Token::Text(from)), Some(to)) = (lexer.token(), lexer.token()) else { break };
            if let Token::Text(to) = to {
                self.insert(code(&from), utf16(&to));
            }
        }
    }

    fn read_ranges(&mut self, lexer: &mut Lexer) {
        while !lexer.at_word() {
            let (Some(Token::Text(low)), Some(Token::Text(high)), Some(to)) =
                (lexer.token(), lexer.token(), lexer.token())
            else {
                break;
            };
            let (low, high) = (code(&low), code(&high));
            match to {
                Token::Text(first) => self.insert_run(low, high, &first),
                Token::Array(items) => {
                    for (code, item) in (low..=high).zip(items) {
                        if let Token::Text(to) = item {
                            self.insert(code, utf16(&to));
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn insert_run(&mut self, low: u32, high: u32, first: &[u8]) {
        let mut units: Vec<u16> = units(first);
        for code in low..=high {
            if self.unicode.len() >= CODES_MAX || units.is_empty() {
                return;
            }
            self.insert(code, String::from_utf16_lossy(&units));
            let end = units.len() - 1;
            units[end] = units[end].wrapping_add(1);
        }
    }

    fn read_glyphs(&mut self, lexer: &mut Lexer, ranges: bool) {
        while !lexer.at_word() && self.glyphs.len() < CODES_MAX {
            let Some(Token::Text(low)) = lexer.token() else { break };
            let high = if ranges { lexer.token() } else { Some(Token::Text(low.clone())) };
            let (Some(Token::Text(high)), Some(Token::Number(first))) = (high, lexer.token()) else { break };
            self.glyphs.push((code(&low), code(&high), first as u32));
        }
    }

    fn insert(&mut self, code: u32, text: String) {
        if self.unicode.len() < CODES_MAX {
            self.unicode.insert(code, text);
        }
    }
}

fn code(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |code, &byte| code << 8 | u32::from(byte))
}

/// Reads UTF-16BE; a single byte is a character of its own.
fn units(bytes: &[u8]) -> Vec<u16> {
    match bytes {
        [byte] => vec![u16::from(*byte)],
        _ => bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect(),
    }
}

fn utf16(bytes: &[u8]) -> String {
    char::decode_utf16(units(bytes)).flatten().collect()
}
