//! Loads a PDF file: as it is, or with its index rebuilt, or not at all for want of a password.
//!
//! Tries the empty password, then those that were given. Reads no page.

use std::iter;

use lopdf::{Document, Error};

use super::stage::quietly;
use super::unlock::unlock;
use super::{lock, repair};
use crate::error::ReadError;
use crate::password::Passwords;

/// Loads a file and removes an encryption that the empty password or a given one opens.
///
/// # Errors
/// `Encrypted` if another password is needed, `Corrupt` if no page could be found even after a repair.
pub fn open(bytes: &[u8], passwords: &Passwords) -> Result<(Document, Vec<String>), ReadError> {
    match load(bytes, passwords) {
        Ok(document) if document.page_iter().next().is_some() => Ok((document, Vec::new())),
        Err(ReadError::Encrypted) => Err(ReadError::Encrypted),
        Ok(_) | Err(_) => rebuild(bytes, passwords),
    }
}

/// Loads a file with an index made anew from the objects that are found in it.
///
/// # Errors
/// `Encrypted` if another password is needed, `Corrupt` if no page could be found.
pub fn rebuild(bytes: &[u8], passwords: &Passwords) -> Result<(Document, Vec<String>), ReadError> {
    let warnings = vec!["the index of the file was broken and has been rebuilt".to_owned()];
    let mut document = load(&repair::rebuilt(bytes), passwords)?;
    repair::find_pages(&mut document);
    if document.page_iter().next().is_none() {
        return Err(corrupt("it has no pages".into()));
    }
    Ok((document, warnings))
}

fn load(bytes: &[u8], passwords: &Passwords) -> Result<Document, ReadError> {
    if let Some(mut document) = lock::scattered(bytes) {
        let opens = |password: &str| unlock(&mut document, password);
        let is_open = iter::once("").chain(passwords.reveal()).any(opens);
        return is_open.then_some(document).ok_or(ReadError::Encrypted);
    }
    let loaded = quietly(|| Document::load_mem(bytes)).ok_or_else(|| corrupt("its structure is broken".into()))?;
    let document = loaded.map_err(|error| match error {
        Error::InvalidPassword | Error::Decryption(_) | Error::UnsupportedSecurityHandler(_) => ReadError::Encrypted,
        error => corrupt(error.to_string()),
    })?;
    // lopdf has tried the empty password.
    if !document.is_encrypted() {
        return Ok(document);
    }
    let locked = if passwords.is_empty() { None } else { lock::locked(bytes) };
    let mut document = locked.ok_or(ReadError::Encrypted)?;
    let is_open = passwords.reveal().any(|password| unlock(&mut document, password));
    is_open.then_some(document).ok_or(ReadError::Encrypted)
}

fn corrupt(detail: String) -> ReadError {
    ReadError::Corrupt { format: "pdf".into(), detail }
}
