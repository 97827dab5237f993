//! Passwords that encrypted files are tried with: a bounded list that nothing shows.
//!
//! Opens no file. PDF files are the only ones that are tried with them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::ReadError;

/// Most passwords. Chosen: each is tried on each file that needs one, which takes up to some milliseconds.
const PASSWORDS_MAX: usize = 16;
/// Longest password in bytes. No format looks at more than 127 of them.
const PASSWORD_BYTES_MAX: usize = 1024;

/// Passwords in the order in which they are tried, behind the empty one, which needs no mention.
///
/// Invariant: at most 16 of at most 1,024 bytes each. Serialized only on the way to a worker process.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Passwords(Vec<String>);

impl Passwords {
    /// Takes one password a line, as a file of passwords has them. Spaces count, a line without any character does not.
    ///
    /// # Errors
    /// `LimitExceeded` for passwords, or for the bytes of one.
    pub fn from_lines(text: &str) -> Result<Self, ReadError> {
        let lines = text.trim_start_matches('\u{feff}').lines().filter(|line| !line.is_empty());
        Self::try_from(lines.map(str::to_owned).collect::<Vec<_>>())
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns them one by one, for the one place that tries them.
    pub(crate) fn reveal(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl TryFrom<Vec<String>> for Passwords {
    type Error = ReadError;

    fn try_from(passwords: Vec<String>) -> Result<Self, ReadError> {
        let over = |what: &str, limit| Err(ReadError::LimitExceeded { what: what.into(), limit: limit as u64 });
        match () {
            () if passwords.len() > PASSWORDS_MAX => over("passwords", PASSWORDS_MAX),
            () if passwords.iter().any(|it| it.len() > PASSWORD_BYTES_MAX) => {
                over("bytes of a password", PASSWORD_BYTES_MAX)
            }
            () => Ok(Self(passwords)),
        }
    }
}

impl From<Passwords> for Vec<String> {
    fn from(passwords: Passwords) -> Self {
        passwords.0
    }
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(Passwords::from_lines(text).unwrap().reveal().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn each_line_is_a_password_as_it_stands() {
        check("", &[]);
        check("\n\r\n", &[]);
        check("\u{feff}one\r\n two \n\npäss 密\n", &["one", " two ", "päss 密"]);
    }

    #[test]
    fn passwords_over_a_bound_are_refused_without_being_quoted() {
        for text in ["secret\n".repeat(17), "secret".repeat(171)] {
            let error = Passwords::from_lines(&text).unwrap_err();
            assert_eq!(error.code(), "limit_exceeded");
            assert!(!error.to_string().contains("secret"), "{error}");
            let json = serde_json::to_string(&text.lines().collect::<Vec<_>>()).unwrap();
            let error = serde_json::from_str::<Passwords>(&json).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        check(&"x\n".repeat(16), &["x"; 16]);
        check(&"x".repeat(1024), &["x".repeat(1024).as_str()]);
    }

    #[test]
    fn passwords_are_not_shown() {
        let passwords = Passwords::from_lines("secret").unwrap();
        assert_eq!(format!("{passwords:?} {:?}", Some(&passwords)), "*** Some(***)");
    }
}
