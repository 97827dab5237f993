//! Encrypted files: passwords from a file named by a flag or by the settings, which appear nowhere else.

use crate::ingest::{ingest, lines, outcomes, ragstone};
use crate::support::{Server, models};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const PASSWORD: &str = "secret";
/// What the file says.
const TEXT: &str = "The harbour opens at nine.";
/// The content of its page, and what its dictionary says of its passwords, `secret` for the user and `owner` for the
/// owner: RC4 with a key of 40 bits, ISO 32000 algorithms 1 to 4, for an identifier of sixteen sevens.
const CONTENT: &str =
    "abb4692d49dc806772f435f1ac7bdf65c7fd3e59f306493e7bc3abefbf3513506cf1a0fce0ac0d4287a9a0bdb8d3c724486e331c8c10186a";
const OWNERS: &str = "92fe0f4454ad4c9644693f33c07cb54f587dce1e2682fe9ecea6107a1ef630dd";
const USERS: &str = "88deffce09f6a1722111c7128a0423f4c49dada93f3c6a4254b3d758b4d3f9fc";

/// A PDF of one page that opens with a password.
fn locked_pdf() -> Vec<u8> {
    let content: Vec<u8> =
        (0..CONTENT.len()).step_by(2).map(|at| u8::from_str_radix(&CONTENT[at..at + 2], 16).unwrap()).collect();
    let font = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>";
    let stream = [format!("<</Length {}>>stream\n", content.len()).into_bytes(), content, b"\nendstream".to_vec()];
    let objects = [
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
        format!("<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F {font}>>>>>>")
            .into(),
        stream.concat(),
        format!("<</Filter/Standard/V 1/R 2/P -4/O<{OWNERS}>/U<{USERS}>>>").into_bytes(),
    ];
    let (mut pdf, mut offsets) = (b"%PDF-1.4\n".to_vec(), String::new());
    for (number, object) in (1..).zip(objects) {
        offsets += &format!("{:010} 00000 n \n", pdf.len());
        pdf.extend_from_slice(&[format!("{number} 0 obj\n").as_bytes(), &object, b"\nendobj\n"].concat());
    }
    let (start, id) = (pdf.len(), "07".repeat(16));
    let trailer = format!("<</Size 6/Root 1 0 R/Encrypt 5 0 R/ID[<{id}><{id}>]>>");
    let index = format!("xref\n0 6\n0000000000 65535 f \n{offsets}trailer{trailer}\nstartxref\n{start}\n%%EOF\n");
    pdf.extend_from_slice(index.as_bytes());
    pdf
}

/// Writes the file and a file of passwords into a folder; returns data folder, folder of documents and passwords.
fn prepared(folder: &Path) -> (PathBuf, PathBuf, PathBuf) {
    let (data, docs, passwords) = (folder.join("data"), folder.join("docs"), folder.join("passwords"));
    std::fs::create_dir(&docs).unwrap();
    std::fs::write(docs.join("locked.pdf"), locked_pdf()).unwrap();
    std::fs::write(&passwords, format!("another\n{PASSWORD}\n")).unwrap();
    (data, docs, passwords)
}

/// Checks that no file of a folder holds the password.
fn check_untold(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            check_untold(&path);
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(PASSWORD.len()).any(|part| part == PASSWORD.as_bytes()), "{}", path.display());
    }
}

#[test]
fn a_file_of_passwords_opens_encrypted_files() {
    let folder = tempfile::tempdir().unwrap();
    let (data, docs, passwords) = prepared(folder.path());
    let flag = ["--password-file", passwords.to_str().unwrap()];
    let (status, refused) = ingest(&data, &docs, &[]);
    assert_eq!((status, &refused[0]["error"]["code"]), (Some(1), &json!("encrypted")));
    let file = docs.join("locked.pdf");
    let extract = |more: &[&str]| ragstone(&data, &[&["extract", file.to_str().unwrap(), "--json"], more].concat());
    assert_eq!(lines(&extract(&[]))[0]["error"]["code"], "encrypted");
    let read = extract(&flag);
    assert_eq!((read.status.code(), &lines(&read)[0]["text"]), (Some(0), &json!(TEXT)));
    let (status, read) = ingest(&data, &docs, &flag);
    assert_eq!((status, outcomes(&read, "added")), (Some(0), 1), "{read:?}");
    check_untold(&data);
}

#[test]
fn a_server_opens_encrypted_files_with_the_passwords_that_its_settings_name() {
    let folder = tempfile::tempdir().unwrap();
    let (data, docs, passwords) = prepared(folder.path());
    let settings = folder.path().join("ragstone.toml");
    std::fs::write(&settings, format!("[ingest]\npassword_file = '{}'", passwords.display())).unwrap();
    let server = Server::start_with(&data, &models(), |command| command.arg("--config").arg(&settings));
    server.post("/v1/collections", json!({"name": "c"}));
    let (status, answer) = server.upload("c", &[("locked.pdf", std::fs::read(docs.join("locked.pdf")).unwrap())], None);
    assert_eq!(status, 201, "{answer}");
    assert_eq!(server.get("/v1/collections/c")["documents"], 1);
    drop(server);
    check_untold(&data);
}

#[test]
fn a_file_of_passwords_that_cannot_serve_is_refused_without_being_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let (data, docs, passwords) = prepared(folder.path());
    let missing = folder.path().join("missing");
    std::fs::write(&passwords, format!("{PASSWORD}\n").repeat(17)).unwrap();
    for path in [&missing, &passwords, &docs] {
        let (status, answer) = ingest(&data, &docs, &["--password-file", path.to_str().unwrap()]);
        let answer = Value::from(answer);
        assert_eq!((status, &answer[0]["error"]["code"]), (Some(2), &json!("invalid_setting")), "{answer}");
        assert!(!answer.to_string().contains(PASSWORD), "{answer}");
    }
    let flags = ["--password-file", passwords.to_str().unwrap(), "--server", "http://127.0.0.1:1"];
    std::fs::write(&passwords, PASSWORD).unwrap();
    let (status, answer) = ingest(&data, &docs, &flags);
    assert_eq!((status, &answer[0]["error"]["code"]), (Some(2), &json!("invalid_argument")), "{answer:?}");
}
