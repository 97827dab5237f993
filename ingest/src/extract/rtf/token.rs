//! Cuts RTF into groups, control words and text.
//!
//! Knows no word's meaning but that of `\bin`, whose bytes follow it raw.

/// One token.
#[derive(Debug, PartialEq)]
pub(super) enum Token<'a> {
    /// `{`
    Open,
    /// `}`
    Close,
    /// A control word or control symbol, with its number.
    Word(&'a str, Option<i32>),
    /// One byte in some code page, written as `\'e9` or plainly.
    Byte(u8),
}

/// Tokens of a file, in order.
pub(super) struct Tokens<'a> {
    bytes: &'a [u8],
}

impl<'a> Tokens<'a> {
    /// Begins at the first byte.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    fn skip(&mut self, bytes: usize) {
        self.bytes = self.bytes.get(bytes..).unwrap_or_default();
    }

    /// Reads what follows a backslash.
    fn control(&mut self) -> Token<'a> {
        let letters = self.bytes.iter().take(32).take_while(|byte| byte.is_ascii_alphabetic()).count();
        if letters == 0 {
            return self.symbol();
        }
        let (word, rest) = self.bytes.split_at(letters);
        let digits = usize::from(rest.first() == Some(&b'-'));
        let digits = digits + rest[digits..].iter().take(10).take_while(|byte| byte.is_ascii_digit()).count();
        let number = std::str::from_utf8(&rest[..digits]).ok().and_then(|digits| digits.parse().ok());
        self.bytes = &rest[digits..];
        if self.bytes.first() == Some(&b' ') {
            self.skip(1);
        }
        let word = std::str::from_utf8(word).unwrap_or_default();
        if let ("bin", Some(raw)) = (word, number) {
            self.skip(usize::try_from(raw).unwrap_or(0));
        }
        Token::Word(word, number)
    }

    /// Reads a control symbol: a backslash and one character.
    fn symbol(&mut self) -> Token<'a> {
        let first = self.bytes.first().copied().unwrap_or(b' ');
        let hex = self.bytes.get(1..3).and_then(|digits| std::str::from_utf8(digits).ok());
        if let (b'\'', Some(byte)) = (first, hex.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            self.skip(3);
            return Token::Byte(byte);
        }
        let symbol = self.bytes.get(..1).and_then(|symbol| std::str::from_utf8(symbol).ok()).unwrap_or_default();
        self.skip(1);
        match first {
            b'\\' | b'{' | b'}' => Token::Byte(first),
            b'\r' | b'\n' => Token::Word("par", None),
            _ => Token::Word(symbol, None),
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let first = *self.bytes.first()?;
            self.skip(1);
            return Some(match first {
                b'{' => Token::Open,
                b'}' => Token::Close,
                b'\\' => self.control(),
                b'\r' | b'\n' | 0 => continue,
                byte => Token::Byte(byte),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_a_space_that_is_theirs_and_numbers_may_be_negative() {
        let found: Vec<Token> = Tokens::new(b"{\\u-10179 ?\\b x\\'e9\\{\\~}\r\n").collect();
        let expected = [
            Token::Open,
            Token::Word("u", Some(-10179)),
            Token::Byte(b'?'),
            Token::Word("b", None),
            Token::Byte(b'x'),
            Token::Byte(0xe9),
            Token::Byte(b'{'),
            Token::Word("~", None),
            Token::Close,
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn raw_bytes_are_no_tokens_and_no_end_is_needed() {
        let found: Vec<Token> = Tokens::new(b"\\bin3 }}}x\\").collect();
        assert_eq!(found, [Token::Word("bin", Some(3)), Token::Byte(b'x'), Token::Word("", None)]);
        assert_eq!(Tokens::new(b"\\bin99999 x").count(), 1);
    }
}
