//! Cuts filter text into words, literals and symbols, in one pass from left to right.
//!
//! Does not know the grammar: which words are keywords where is decided in `parse`.

use super::literal::parse_number;
use super::tree::Comparison;
use crate::error::{Error, Result};
use crate::schema::Value;
use std::fmt;

/// Words that name a field only in double quotes.
const RESERVED_WORDS: [&str; 11] =
    ["AND", "OR", "NOT", "IN", "BETWEEN", "LIKE", "ESCAPE", "IS", "NULL", "TRUE", "FALSE"];

/// One piece of filter text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// Keyword, function or field, as written.
    Word(String),
    /// Field in quotes.
    Quoted(String),
    /// String literal.
    Text(String),
    /// Number literal.
    Number(Value),
    /// Comparison symbol.
    Comparison(Comparison),
    /// One of `( ) [ ] ,`.
    Punctuation(char),
    /// The end of the text.
    End,
}

/// A token and the byte where it starts.
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) start: usize,
}

/// Returns the tokens of a text; the last one is [`Token::End`].
pub(super) fn tokenize(text: &str) -> Result<Vec<Placed>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let start = text.len() - rest.len();
        let (token, length) = read_token(first, rest).map_err(|detail| malformed(text, start, detail))?;
        tokens.push(Placed { token, start });
        rest = rest[length..].trim_start();
    }
    tokens.push(Placed { token: Token::End, start: text.len() });
    Ok(tokens)
}

/// Builds the error for something wrong at a byte of the text.
pub(super) fn malformed(text: &str, start: usize, detail: String) -> Error {
    Error::InvalidFilter { position: text[..start].chars().count(), detail }
}

/// Returns whether a name needs no quotes.
pub(super) fn is_bare_name(name: &str) -> bool {
    name.starts_with(starts_word) && name.chars().all(continues_word) && !is_reserved(name)
}

/// Returns whether a word cannot name a field.
pub(super) fn is_reserved(word: &str) -> bool {
    RESERVED_WORDS.iter().any(|reserved| reserved.eq_ignore_ascii_case(word))
}

fn starts_word(character: char) -> bool {
    character.is_alphabetic() || character == '_'
}

fn continues_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Reads the token that starts with `first`, and its length in bytes.
fn read_token(first: char, rest: &str) -> Result<(Token, usize), String> {
    match first {
        '(' | ')' | '[' | ']' | ',' => Ok((Token::Punctuation(first), 1)),
        '\'' => read_quoted(first, rest).map(|(text, length)| (Token::Text(text), length)),
        '"' | '`' => read_quoted(first, rest).map(|(name, length)| (Token::Quoted(name), length)),
        '=' | '!' | '<' | '>' => read_comparison(rest),
        '0'..='9' | '.' | '+' | '-' => read_number(rest),
        letter if starts_word(letter) => {
            let length = rest.find(|character| !continues_word(character)).unwrap_or(rest.len());
            Ok((Token::Word(rest[..length].to_owned()), length))
        }
        other => Err(format!("expected a field, a value or an operator, found {other:?}")),
    }
}

/// Reads text between two quotes, in which the quote itself stands twice.
fn read_quoted(quote: char, rest: &str) -> Result<(String, usize), String> {
    let mut text = String::new();
    let mut from = 1;
    while let Some(length) = rest[from..].find(quote) {
        let end = from + length;
        text.push_str(&rest[from..end]);
        if !rest[end + 1..].starts_with(quote) {
            return Ok((text, end + 1));
        }
        text.push(quote);
        from = end + 2;
    }
    Err(format!("expected a closing {quote}, found the end"))
}

fn read_comparison(rest: &str) -> Result<(Token, usize), String> {
    const SYMBOLS: [(&str, Comparison); 8] = [
        ("==", Comparison::Equal),
        ("!=", Comparison::NotEqual),
        ("<>", Comparison::NotEqual),
        ("<=", Comparison::LessOrEqual),
        (">=", Comparison::GreaterOrEqual),
        ("=", Comparison::Equal),
        ("<", Comparison::Less),
        (">", Comparison::Greater),
    ];
    let found = SYMBOLS.iter().find(|(symbol, _)| rest.starts_with(symbol));
    found
        .map(|(symbol, comparison)| (Token::Comparison(*comparison), symbol.len()))
        .ok_or_else(|| "expected !=, found !".to_owned())
}

/// Reads a number: sign, digits, fraction, exponent, and no letter after them.
fn read_number(rest: &str) -> Result<(Token, usize), String> {
    let bytes = rest.as_bytes();
    let digits = |from: usize| from + bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let sign = |at: usize| at + usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
    let mut end = digits(sign(0));
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        end = digits(sign(end + 1));
    }
    match parse_number(&rest[..end]) {
        Some(number) if !rest[end..].starts_with(continues_word) => Ok((Token::Number(number), end)),
        _ => Err(format!("expected a number, found {}", excerpt(first_word(rest)))),
    }
}

fn first_word(rest: &str) -> &str {
    rest.split(|character: char| character.is_whitespace() || character == ',' || character == ')')
        .next()
        .unwrap_or(rest)
}

impl fmt::Display for Token {
    /// Writes what was found, shortened, for a message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => f.write_str(&excerpt(word)),
            Self::Quoted(name) => write!(f, "\"{}\"", excerpt(name)),
            Self::Text(text) => write!(f, "'{}'", excerpt(text)),
            Self::Number(number) => write!(f, "{}", number.to_json()),
            Self::Comparison(comparison) => f.write_str(comparison.symbol()),
            Self::Punctuation(character) => write!(f, "{character}"),
            Self::End => f.write_str("the end"),
        }
    }
}

/// Shortens a piece of the caller's text for a message.
fn excerpt(text: &str) -> String {
    const SHOWN_CHARS: usize = 40;
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
