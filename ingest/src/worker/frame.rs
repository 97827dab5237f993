//! What parent and child say to each other: lengths, JSON and bytes over pipes.
//!
//! A request is a header length (u32), a JSON header, a body length (u64) and the file. A reply is [`MARK`], a length
//! (u64) and JSON. All integers are little endian. Lengths are checked against limits before anything is allocated.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::error::ReadError;
use crate::limits::Limits;

/// Starts every reply. What stands before it was printed by a library and is skipped.
const MARK: &[u8; 8] = b"\x01RAGDOC\x02";
/// Most bytes skipped before [`MARK`].
const SKIPPED_BYTES_MAX: usize = 1 << 16;
/// Longest request header; a name is at most some kilobytes.
const HEADER_BYTES_MAX: u32 = 1 << 16;

/// What a request says about the file that follows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Header {
    /// The file's name.
    pub name: String,
    /// Bounds that hold for it.
    pub limits: Limits,
    /// The member of an archive to begin with, where its members are wanted one by one.
    pub members_from: Option<usize>,
}

/// An answer: the document, or why there is none.
pub type Answer = Result<Document, ReadError>;

/// One message of the child. A request ends with [`Reply::Answer`], or with [`Reply::End`] where members are wanted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Reply {
    /// The member that is read next, by its path inside the archive.
    Member(String),
    /// What was read.
    Answer(Box<Answer>),
    /// There are no more members.
    End,
}

/// Writes a request.
///
/// # Errors
/// Those of the pipe, when the child has died.
pub fn write_request(to: &mut impl Write, header: &Header, file: &[u8]) -> io::Result<()> {
    let header = serde_json::to_vec(header)?;
    let length = u32::try_from(header.len()).map_err(|_| invalid("request header is too long"))?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(&header)?;
    to.write_all(&(file.len() as u64).to_le_bytes())?;
    to.write_all(file)?;
    to.flush()
}

/// Reads a request; `None` if the parent has closed the pipe.
///
/// # Errors
/// Those of the pipe, and `InvalidData` for what is no request or over its own limits.
pub fn read_request(from: &mut impl Read) -> io::Result<Option<(Header, Vec<u8>)>> {
    let mut length = [0; 4];
    if let Err(error) = from.read_exact(&mut length) {
        return if error.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(error) };
    }
    let length = u32::from_le_bytes(length);
    if length > HEADER_BYTES_MAX {
        return Err(invalid("request header is too long"));
    }
    let header: Header = serde_json::from_slice(&read_exactly(from, u64::from(length))?)?;
    let length = read_length(from)?;
    if length > header.limits.file_bytes_max {
        return Err(invalid("file is over its limit"));
    }
    let file = read_exactly(from, length)?;
    Ok(Some((header, file)))
}

/// Writes a reply, or instead of one over the limit the reason.
///
/// # Errors
/// Those of the pipe, when the parent has died.
pub fn write_reply(to: &mut impl Write, reply: &Reply, bytes_max: u64) -> io::Result<()> {
    let mut json = serde_json::to_vec(reply)?;
    if json.len() as u64 > bytes_max {
        json = serde_json::to_vec(&Reply::Answer(Box::new(Err(too_long(bytes_max)))))?;
    }
    to.write_all(MARK)?;
    to.write_all(&(json.len() as u64).to_le_bytes())?;
    to.write_all(&json)?;
    to.flush()
}

/// Reads a reply.
///
/// # Errors
/// Those of the pipe, and `InvalidData` for what is no answer.
pub fn read_reply(from: &mut impl Read, bytes_max: u64) -> io::Result<Reply> {
    skip_to_mark(from)?;
    let length = read_length(from)?;
    // The child's own limit message may be a little longer than a limit of a few bytes.
    if length > bytes_max.max(1024) {
        return Ok(Reply::Answer(Box::new(Err(too_long(bytes_max)))));
    }
    Ok(serde_json::from_slice(&read_exactly(from, length)?)?)
}

fn skip_to_mark(from: &mut impl Read) -> io::Result<()> {
    let mut matched = 0;
    for _ in 0..SKIPPED_BYTES_MAX {
        let mut byte = [0];
        from.read_exact(&mut byte)?;
        matched = if byte[0] == MARK[matched] { matched + 1 } else { usize::from(byte[0] == MARK[0]) };
        if matched == MARK.len() {
            return Ok(());
        }
    }
    Err(invalid("answer has no mark"))
}

fn read_length(from: &mut impl Read) -> io::Result<u64> {
    let mut length = [0; 8];
    from.read_exact(&mut length)?;
    Ok(u64::from_le_bytes(length))
}

/// Reads `length` bytes without trusting it: memory grows with what arrives.
fn read_exactly(from: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = from.take(length).read_to_end(&mut bytes)? as u64;
    if read == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn too_long(limit: u64) -> ReadError {
    ReadError::LimitExceeded { what: "answer bytes".into(), limit }
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
