//! Reads the SQL form of a filter, by recursive descent over its tokens.
//!
//! Every recursion passes the depth bound first, and no token is read twice, so the time is linear in the text.
//! Builds no plan and rewrites nothing beyond what the tree's constructors do.

use super::limit::{self, Budget, FILTER_BYTES_MAX, LIST_ITEMS_MAX};
use super::literal::parse_time;
use super::operand::Operand;
use super::token::{Placed, Token, is_reserved, malformed, tokenize};
use super::tree::{Comparison, Filter};
use crate::error::{Error, Result};
use crate::schema::{CollectionSchema, FieldType, Value};

impl Filter {
    /// Reads a filter in SQL form.
    ///
    /// Keywords may be in any case, fields and strings count case. A backslash escapes in `LIKE` unless `ESCAPE` names
    /// another character. Errors name the character, the field or the limit that is wrong.
    pub fn parse_sql(text: &str, schema: &CollectionSchema) -> Result<Self> {
        limit::check("filter bytes", text.len(), FILTER_BYTES_MAX)?;
        let tokens = tokenize(text)?;
        let mut parser = Parser { text, tokens, next: 0, schema, budget: Budget::default() };
        let filter = parser.disjunction()?;
        match parser.peek() {
            Token::End => Ok(filter),
            _ => Err(parser.unexpected("AND, OR or the end")),
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Placed>,
    /// Index of the token to be read; the last token is the end and is never passed.
    next: usize,
    schema: &'a CollectionSchema,
    budget: Budget,
}

impl Parser<'_> {
    fn disjunction(&mut self) -> Result<Filter> {
        let mut parts = vec![self.conjunction()?];
        while self.take_keyword("OR") {
            parts.push(self.conjunction()?);
        }
        Ok(Filter::or(parts))
    }

    fn conjunction(&mut self) -> Result<Filter> {
        let mut parts = vec![self.negation()?];
        while self.take_keyword("AND") {
            parts.push(self.negation()?);
        }
        Ok(Filter::and(parts))
    }

    fn negation(&mut self) -> Result<Filter> {
        if self.take_keyword("NOT") {
            self.budget.enter()?;
            let filter = self.negation()?;
            self.budget.leave();
            return Ok(Filter::negate(filter));
        }
        if self.take_punctuation('(') {
            self.budget.enter()?;
            let filter = self.disjunction()?;
            self.expect_punctuation(')')?;
            self.budget.leave();
            return Ok(filter);
        }
        self.budget.condition()?;
        self.condition()
    }

    fn condition(&mut self) -> Result<Filter> {
        if let Some(value) = self.take_literal()? {
            return self.literal_first(value);
        }
        for (function, takes_list) in [("array_has", false), ("array_has_any", true)] {
            if self.is_keyword_at(0, function) && *self.peek_at(1) == Token::Punctuation('(') {
                self.next += 2;
                return self.array_has(takes_list);
            }
        }
        let operand = self.operand("a condition")?;
        self.field_first(operand)
    }

    /// Reads what follows a literal: a comparison with a field, or nothing after `TRUE` and `FALSE`.
    fn literal_first(&mut self, value: Value) -> Result<Filter> {
        if let Some(op) = self.take_comparison() {
            let operand = self.operand("a field")?;
            return operand.compare(op.flip(), value);
        }
        match value {
            Value::Bool(true) => Ok(Filter::All),
            Value::Bool(false) => Ok(Filter::negate(Filter::All)),
            _ => Err(self.unexpected("a comparison")),
        }
    }

    fn field_first(&mut self, operand: Operand) -> Result<Filter> {
        if let Some(op) = self.take_comparison() {
            let value = self.literal()?;
            return operand.compare(op, value);
        }
        if self.take_keyword("IS") {
            let negated = self.take_keyword("NOT");
            self.expect_keyword("NULL")?;
            return Ok(negate_if(negated, operand.without_value()));
        }
        let negated = self.take_keyword("NOT");
        if self.take_keyword("IN") {
            return self.in_list(operand).map(|filter| negate_if(negated, filter));
        }
        if self.take_keyword("BETWEEN") {
            return self.between(operand).map(|filter| negate_if(negated, filter));
        }
        if self.take_keyword("LIKE") {
            return self.like(operand).map(|filter| negate_if(negated, filter));
        }
        match operand.field_type {
            _ if negated => Err(self.unexpected("IN, BETWEEN or LIKE")),
            FieldType::Bool => operand.compare(Comparison::Equal, Value::Bool(true)),
            _ => Err(self.unexpected("a comparison")),
        }
    }

    fn in_list(&mut self, operand: Operand) -> Result<Filter> {
        self.expect_punctuation('(')?;
        let values = self.list(')', |value| operand.convert(value))?;
        operand.in_list(values)
    }

    fn between(&mut self, operand: Operand) -> Result<Filter> {
        let low = self.literal()?;
        self.expect_keyword("AND")?;
        let high = self.literal()?;
        operand.between(low, high)
    }

    fn like(&mut self, operand: Operand) -> Result<Filter> {
        let at = self.next;
        let pattern = self.text_literal("a pattern in single quotes")?;
        let escape = if self.take_keyword("ESCAPE") { self.escape()? } else { Some('\\') };
        operand
            .like(&pattern, escape)?
            .ok_or_else(|| self.wrong_at(at, "expected a character after the escape, found the end".to_owned()))
    }

    /// Reads the text after `ESCAPE`: one character, or none to switch escapes off.
    fn escape(&mut self) -> Result<Option<char>> {
        let at = self.next;
        let text = self.text_literal("a character in single quotes")?;
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (escape, None) => Ok(escape),
            _ => Err(self.wrong_at(at, "expected at most one character, found more".to_owned())),
        }
    }

    fn array_has(&mut self, takes_list: bool) -> Result<Filter> {
        let operand = self.operand("a field")?;
        self.expect_punctuation(',')?;
        let items = match takes_list {
            true => self.array_literal(&operand)?,
            false => vec![operand.convert_item(self.literal()?)?],
        };
        self.expect_punctuation(')')?;
        operand.array_has_any(items)
    }

    /// Reads `['a', 'b']`, `ARRAY['a', 'b']` or `make_array('a', 'b')`.
    fn array_literal(&mut self, operand: &Operand) -> Result<Vec<String>> {
        let close = if self.take_keyword("make_array") {
            self.expect_punctuation('(')?;
            ')'
        } else {
            self.take_keyword("ARRAY");
            self.expect_punctuation('[')?;
            ']'
        };
        self.list(close, |value| operand.convert_item(value))
    }

    /// Reads literals with commas between them up to the closing character.
    fn list<T>(&mut self, close: char, convert: impl Fn(Value) -> Result<T>) -> Result<Vec<T>> {
        let mut items = Vec::new();
        if self.take_punctuation(close) {
            return Ok(items);
        }
        loop {
            items.push(convert(self.literal()?)?);
            limit::check("items of a filter list", items.len(), LIST_ITEMS_MAX)?;
            if self.take_punctuation(close) {
                return Ok(items);
            }
            if !self.take_punctuation(',') {
                return Err(self.unexpected(&format!(", or {close}")));
            }
        }
    }

    fn operand(&mut self, expected: &str) -> Result<Operand> {
        let field = match self.peek() {
            Token::Quoted(name) => name.clone(),
            Token::Word(word) if !is_reserved(word) => word.clone(),
            _ => return Err(self.unexpected(expected)),
        };
        self.next += 1;
        Operand::resolve(&field, self.schema)
    }

    fn literal(&mut self) -> Result<Value> {
        self.take_literal()?.ok_or_else(|| self.unexpected("a value"))
    }

    /// Reads a literal if one stands here: number, string, `TRUE`, `FALSE`, `TIMESTAMP '…'` or `DATE '…'`.
    fn take_literal(&mut self) -> Result<Option<Value>> {
        let value = match self.peek() {
            Token::Number(number) => number.clone(),
            Token::Text(text) => Value::String(text.clone()),
            Token::Word(word) if word.eq_ignore_ascii_case("TRUE") => Value::Bool(true),
            Token::Word(word) if word.eq_ignore_ascii_case("FALSE") => Value::Bool(false),
            Token::Word(word) if word.eq_ignore_ascii_case("TIMESTAMP") || word.eq_ignore_ascii_case("DATE") => {
                let Token::Text(text) = self.peek_at(1) else { return Ok(None) };
                let micros = parse_time(text).ok_or_else(|| {
                    self.wrong_at(self.next + 1, format!("expected an RFC 3339 time, found {}", self.peek_at(1)))
                })?;
                self.next += 1;
                Value::Timestamp(micros)
            }
            _ => return Ok(None),
        };
        self.next += 1;
        Ok(Some(value))
    }

    fn text_literal(&mut self, expected: &str) -> Result<String> {
        let Token::Text(text) = self.peek() else { return Err(self.unexpected(expected)) };
        let text = text.clone();
        self.next += 1;
        Ok(text)
    }

    fn take_comparison(&mut self) -> Option<Comparison> {
        let Token::Comparison(op) = *self.peek() else { return None };
        self.next += 1;
        Some(op)
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = self.is_keyword_at(0, keyword);
        self.next += usize::from(found);
        found
    }

    fn expect_keyword(&mut self, keyword: &str) -> Result<()> {
        if self.take_keyword(keyword) { Ok(()) } else { Err(self.unexpected(keyword)) }
    }

    fn take_punctuation(&mut self, character: char) -> bool {
        let found = *self.peek() == Token::Punctuation(character);
        self.next += usize::from(found);
        found
    }

    fn expect_punctuation(&mut self, character: char) -> Result<()> {
        if self.take_punctuation(character) { Ok(()) } else { Err(self.unexpected(&character.to_string())) }
    }

    fn is_keyword_at(&self, ahead: usize, keyword: &str) -> bool {
        matches!(self.peek_at(ahead), Token::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    fn peek(&self) -> &Token {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> &Token {
        self.tokens.get(self.next + ahead).map_or(&Token::End, |placed| &placed.token)
    }

    fn unexpected(&self, expected: &str) -> Error {
        self.wrong_at(self.next, format!("expected {expected}, found {}", self.peek()))
    }

    fn wrong_at(&self, token: usize, detail: String) -> Error {
        let start = self.tokens.get(token).map_or(self.text.len(), |placed| placed.start);
        malformed(self.text, start, detail)
    }
}

fn negate_if(negated: bool, filter: Filter) -> Filter {
    if negated { Filter::negate(filter) } else { filter }
}
