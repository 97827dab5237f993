//! Names and numbers that identify things, checked once where they enter.
//!
//! A value of one of these types has been checked; nothing further down looks again.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest name of a collection, in bytes.
pub const COLLECTION_NAME_BYTES_MAX: usize = 64;
/// Longest id of a document or chunk, in bytes.
pub const ID_BYTES_MAX: usize = 512;

/// Name of a collection: 1 to 64 of `a-z A-Z 0-9 _ -`, starting with a letter or digit.
///
/// It becomes a folder name, so nothing else may pass.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CollectionName(String);

impl CollectionName {
    /// Checks a name.
    pub fn parse(name: &str) -> Result<Self> {
        let bytes = name.as_bytes();
        let well_formed = (1..=COLLECTION_NAME_BYTES_MAX).contains(&bytes.len())
            && bytes[0].is_ascii_alphanumeric()
            && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        if well_formed { Ok(Self(name.to_owned())) } else { Err(Error::InvalidName { name: name.to_owned() }) }
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CollectionName {
    type Error = Error;
    fn try_from(name: String) -> Result<Self> {
        Self::parse(&name)
    }
}

impl From<CollectionName> for String {
    fn from(name: CollectionName) -> Self {
        name.0
    }
}

impl fmt::Display for CollectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Defines an id type over the caller's own string of 1 to 512 bytes without control characters.
macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks an id.
            pub fn parse(id: &str) -> Result<Self> {
                if (1..=ID_BYTES_MAX).contains(&id.len()) && !id.chars().any(char::is_control) {
                    Ok(Self(id.to_owned()))
                } else {
                    Err(Error::InvalidId { kind: $kind, bytes: id.len() })
                }
            }

            /// Returns the id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;
            fn try_from(id: String) -> Result<Self> {
                Self::parse(&id)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

string_id!(
    /// Id of a chunk, unique in its collection.
    ChunkId,
    "chunk"
);
string_id!(
    /// Id of a document; the chunks of one document share it.
    DocumentId,
    "document"
);

/// Version of a collection: the version number of its Lance table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub u64);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_the_data_folder_are_refused() {
        for name in ["", "../x", "a/b", ".hidden", "_private", "a b", "caf\u{e9}", "a\0", &"x".repeat(65)] {
            assert!(CollectionName::parse(name).is_err(), "{name:?}");
        }
        for name in ["a", "Handbook-2", "0_x", &"x".repeat(64)] {
            assert!(CollectionName::parse(name).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn ids_are_the_callers_strings_within_bounds() {
        assert!(ChunkId::parse("报告/第 3 页#2").is_ok());
        assert!(ChunkId::parse("").is_err());
        assert!(ChunkId::parse("a\nb").is_err());
        assert!(DocumentId::parse(&"x".repeat(513)).is_err());
    }
}
