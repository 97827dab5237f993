//! What parent and child say to each other: lengths, JSON and bytes over pipes.
//!
//! A request is a header length (u32), a JSON header, a body length (u64) and the file. A reply is [`MARK`], a length
//! (u64) and JSON, and behind that of a member its bytes. All integers are little endian. Lengths are checked against
//! limits before anything is allocated.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::error::ReadError;
use crate::limits::Limits;
use crate::password::Passwords;

/// Starts every reply. What stands before it was printed by a library and is skipped.
const MARK: &[u8; 8] = b"\x01RAGDOC\x02";
/// Most bytes skipped before [`MARK`].
const SKIPPED_BYTES_MAX: usize = 1 << 16;
/// Longest request header: a name of some kilobytes, and 16 KiB of passwords, which JSON may write in six times as much.
const HEADER_BYTES_MAX: u32 = 1 << 17;

/// What a request says about the file that follows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Header {
    /// The file's name.
    pub name: String,
    /// Bounds that hold for it.
    pub limits: Limits,
    /// What an encrypted file is tried with.
    pub passwords: Passwords,
    /// What to do with it.
    pub work: Work,
}

/// What a worker does with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Reads it as a document.
    Read,
    /// Unpacks it as an archive.
    Unpack,
}

/// An answer: the document, or why there is none.
pub type Answer = Result<Document, ReadError>;

/// One message of the child: to [`Work::Read`] one answer, to [`Work::Unpack`] any number of members and an end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// What was read.
    Answer(Box<Answer>),
    /// A file of an archive, by its path inside.
    Member {
        /// Its path.
        path: String,
        /// Its size.
        bytes: u64,
        /// Its bytes, which follow the JSON.
        #[serde(skip)]
        content: Vec<u8>,
    },
    /// A file of an archive that could not be unpacked; without a path, what is wrong with the archive itself.
    Refused {
        /// Its path.
        path: Option<String>,
        /// Why.
        error: ReadError,
    },
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
    if let Reply::Member { content, .. } = reply {
        to.write_all(content)?;
    }
    to.flush()
}

/// Reads a reply.
///
/// # Errors
/// Those of the pipe, and `InvalidData` for what is no answer.
pub fn read_reply(from: &mut impl Read, limits: &Limits) -> io::Result<Reply> {
    skip_to_mark(from)?;
    let length = read_length(from)?;
    // The child's own limit message may be a little longer than a limit of a few bytes.
    if length > limits.output_bytes_max.max(1024) {
        return Ok(Reply::Answer(Box::new(Err(too_long(limits.output_bytes_max)))));
    }
    let mut reply = serde_json::from_slice(&read_exactly(from, length)?)?;
    if let Reply::Member { bytes, content, .. } = &mut reply {
        if *bytes > limits.part_bytes_max {
            return Err(invalid("member is over its limit"));
        }
        *content = read_exactly(from, *bytes)?;
    }
    Ok(reply)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn round(reply: &Reply) -> Reply {
        let (mut pipe, limits) = (Vec::new(), Limits::default());
        write_reply(&mut pipe, reply, limits.output_bytes_max).unwrap();
        read_reply(&mut pipe.as_slice(), &limits).unwrap()
    }

    #[test]
    fn a_member_travels_with_its_bytes() {
        let member = Reply::Member { path: "a/年.txt".into(), bytes: 3, content: vec![0, 1, 255] };
        assert_eq!(round(&member), member);
        assert_eq!(round(&Reply::End), Reply::End);
    }

    #[test]
    fn passwords_travel_in_the_request_and_are_not_shown() {
        let passwords = Passwords::from_lines(&format!("{}\n", "\u{1}".repeat(1024)).repeat(16)).unwrap();
        let header = Header { name: "a.pdf".into(), limits: Limits::default(), passwords, work: Work::Read };
        let mut pipe = Vec::new();
        write_request(&mut pipe, &header, b"file").unwrap();
        let (read, file) = read_request(&mut pipe.as_slice()).unwrap().unwrap();
        assert_eq!((read.passwords, file.as_slice()), (header.passwords.clone(), b"file".as_slice()));
        assert!(format!("{header:?}").contains("passwords: ***"), "{header:?}");
    }

    #[test]
    fn a_request_with_too_many_passwords_is_none() {
        let header = Header {
            name: String::new(),
            limits: Limits::default(),
            passwords: Passwords::default(),
            work: Work::Read,
        };
        let mut json = serde_json::to_value(&header).unwrap();
        json["passwords"] = vec!["secret"; 17].into();
        let json = json.to_string();
        let request = [&(json.len() as u32).to_le_bytes(), json.as_bytes(), &0u64.to_le_bytes()].concat();
        let error = read_request(&mut request.as_slice()).unwrap_err();
        assert!(error.kind() == io::ErrorKind::InvalidData && !error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn a_member_that_claims_more_than_its_limit_is_not_waited_for() {
        let mut pipe = Vec::new();
        let member = Reply::Member { path: "a".into(), bytes: u64::MAX, content: Vec::new() };
        write_reply(&mut pipe, &member, 1 << 20).unwrap();
        let error = read_reply(&mut pipe.as_slice(), &Limits::default()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
