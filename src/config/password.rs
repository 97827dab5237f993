//! The file of passwords that encrypted files are tried with: one a line, named by a flag or in the settings.
//!
//! Passwords stand in no setting and no flag themselves, since others may see those. Nothing here quotes the file.

use super::limits::PASSWORD_FILE_BYTES_MAX;
use crate::error::{Error, Result};
use ragstone_ingest::Passwords;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Reads a file of passwords.
pub(super) fn read(path: &Path) -> Result<Passwords> {
    let invalid = |detail: String| Error::InvalidSetting {
        name: "password_file".into(),
        detail: format!("{}: {detail}", path.display()),
    };
    let mut text = String::new();
    let file = File::open(path).map_err(|error| invalid(error.to_string()))?;
    let read = file.take(PASSWORD_FILE_BYTES_MAX + 1).read_to_string(&mut text);
    let bytes = read.map_err(|error| invalid(error.to_string()))?;
    if bytes as u64 > PASSWORD_FILE_BYTES_MAX {
        return Err(invalid(format!("it is larger than {PASSWORD_FILE_BYTES_MAX} bytes")));
    }
    Passwords::from_lines(&text).map_err(|error| invalid(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Overrides};

    #[test]
    fn a_flag_beats_the_settings_and_nothing_shows_the_passwords() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other, settings) =
            (folder.path().join("one"), folder.path().join("other"), folder.path().join("ragstone.toml"));
        std::fs::write(&one, "first secret\r\nsecond secret\n").unwrap();
        std::fs::write(&other, "").unwrap();
        std::fs::write(&settings, format!("[ingest]\npassword_file = '{}'", one.display())).unwrap();
        let load = |password_file| {
            Config::load(Overrides { config: Some(settings.clone()), password_file, ..Overrides::default() }).unwrap()
        };
        let config = load(None);
        assert_eq!(config.passwords, Passwords::from_lines("first secret\nsecond secret").unwrap());
        assert!(!format!("{config:?}").contains("first"), "{config:?}");
        assert!(load(Some(other)).passwords.is_empty());
    }

    #[test]
    fn a_file_that_holds_no_passwords_is_refused_without_being_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passwords");
        let wrong = ["secret\n".repeat(17), "secret".repeat(200), "secret\n".repeat(10_000)];
        for bytes in wrong.map(String::into_bytes).into_iter().chain([b"secret\n\xff\xfe".to_vec()]) {
            std::fs::write(&path, bytes).unwrap();
            let error = read(&path).unwrap_err();
            assert_eq!(error.code(), "invalid_setting");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert!(read(folder.path()).is_err());
        assert!(read(&folder.path().join("missing")).is_err());
    }
}
