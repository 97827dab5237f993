//! Loads a PDF file: as it is, or with its index rebuilt, or not at all for want of a password.
//!
//! Tries the empty password only. Reads no page.

use lopdf::{Document, Error};

use super::stage::quietly;
use super::{lock, repair};
use crate::error::ReadError;

/// Loads a file and removes an encryption that the empty password opens.
///
/// # Errors
/// `Encrypted` if a password is needed, `Corrupt` if no page could be found even after a repair.
pub fn open(bytes: &[u8]) -> Result<(Document, Vec<String>), ReadError> {
    match load(bytes) {
        Ok(document) if document.page_iter().next().is_some() => Ok((document, Vec::new())),
        Err(ReadError::Encrypted) => Err(ReadError::Encrypted),
        Ok(_) | Err(_) => rebuild(bytes),
    }
}

/// Loads a file with an index made anew from the objects that are found in it.
///
/// # Errors
/// `Encrypted` if a password is needed, `Corrupt` if no page could be found.
pub fn rebuild(bytes: &[u8]) -> Result<(Document, Vec<String>), ReadError> {
    let warnings = vec!["the index of the file was broken and has been rebuilt".to_owned()];
    let mut document = load(&repair::rebuilt(bytes))?;
    repair::find_pages(&mut document);
    if document.page_iter().next().is_none() {
        return Err(corrupt("it has no pages".into()));
    }
    Ok((document, warnings))
}

fn load(bytes: &[u8]) -> Result<Document, ReadError> {
    let loaded = match lock::scattered(bytes) {
        Some(document) => Ok(document),
        None => quietly(|| Document::load_mem(bytes)).ok_or_else(|| corrupt("its structure is broken".into()))?,
    };
    let mut document = loaded.map_err(|error| match error {
        Error::InvalidPassword | Error::Decryption(_) | Error::UnsupportedSecurityHandler(_) => ReadError::Encrypted,
        error => corrupt(error.to_string()),
    })?;
    if document.is_encrypted() {
        let opened = quietly(|| document.decrypt("")).is_some_and(|outcome| outcome.is_ok());
        if !opened {
            return Err(ReadError::Encrypted);
        }
    }
    Ok(document)
}

fn corrupt(detail: String) -> ReadError {
    ReadError::Corrupt { format: "pdf".into(), detail }
}
