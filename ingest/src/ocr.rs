//! Has pages without text read by a command of the system, such as a script around tesseract.
//!
//! The command gets the file on its standard input and the page's number among its arguments, and answers with text on
//! its standard output. It runs in the parent, page by page, under a time limit, and what goes wrong with it becomes a
//! warning. Nothing is rendered and nothing is written here.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::document::{BlockKind, Document};
use crate::quality::quality;

/// Stands for the number of the page in an argument.
const PAGE: &str = "{page}";
/// Longest text of one page in bytes. The densest printed pages have about 20 KiB.
const PAGE_BYTES_MAX: u64 = 1 << 20;

/// A command that reads one page of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcrCommand {
    /// Program file.
    pub program: PathBuf,
    /// Its arguments; `{page}` in one of them becomes the number of the page, from 1.
    pub args: Vec<String>,
    /// Wall clock for one page.
    pub page_max: Duration,
    /// Most pages read of one file.
    pub pages_max: usize,
}

impl OcrCommand {
    /// Reads the pages that need it and puts their text in its place, each block with the command as its extractor.
    ///
    /// A page keeps the text that it had where the command finds none or worse.
    pub fn fill(&self, document: &mut Document, file: &[u8]) {
        let mut found = Vec::new();
        let wanted = std::mem::take(&mut document.needs_ocr);
        for (at, page) in wanted.into_iter().enumerate() {
            let outcome =
                if at < self.pages_max { self.page(file, page) } else { Err("over the limit of pages".into()) };
            match outcome {
                Ok(text) if quality(&text) > document.page_quality(page) => found.push((page, text)),
                Ok(_) => document.needs_ocr.push(page),
                Err(reason) => {
                    document.warnings.push(format!("page {page}: ocr failed: {reason}"));
                    document.needs_ocr.push(page);
                }
            }
        }
        for (page, text) in found {
            document.warnings.retain(|warning| !warning.starts_with(&format!("page {page}: needs_ocr")));
            self.place(document, page, &text);
        }
    }

    fn place(&self, document: &mut Document, page: u32, text: &str) {
        let mut read = Document::default();
        for paragraph in text.split("\n\n") {
            let paragraph = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
            if let Some(block) = read.push(BlockKind::Paragraph, None, Some(page), &paragraph) {
                block.extractor = Some(self.name());
            }
        }
        document.set_quality(page, quality(text));
        document.replace_page(page, read);
    }

    fn name(&self) -> String {
        self.program.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    fn page(&self, file: &[u8], page: u32) -> Result<String, String> {
        let args = self.args.iter().map(|argument| argument.replace(PAGE, &page.to_string()));
        let command = Command::new(&self.program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = command.map_err(|error| error.to_string())?;
        let text = self.text(&mut child, file);
        // After its answer or its time it is not needed; its children see their pipes closed.
        let _ = child.kill();
        let status = child.wait().map_err(|error| error.to_string())?;
        let text = text?;
        // Killed after it had closed its output counts as ended.
        match status.code() {
            Some(code) if code != 0 => Err(format!("exit code {code}")),
            _ if text.trim().is_empty() => Err("no text".into()),
            _ => Ok(text),
        }
    }

    fn text(&self, child: &mut Child, file: &[u8]) -> Result<String, String> {
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("a pipe is missing".into());
        };
        let (sender, receiver) = mpsc::channel();
        // Not scoped: a grandchild can keep the pipe open after the command was killed.
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = output.take(PAGE_BYTES_MAX).read_to_end(&mut bytes);
            // The receiver is gone once the time is over.
            let _ = sender.send(read.map(|_| bytes));
        });
        let file = file.to_vec();
        // A command may answer without reading all of its input.
        std::thread::spawn(move || drop(input.write_all(&file)));
        let answer = receiver.recv_timeout(self.page_max);
        let answer = answer.map_err(|_| format!("no answer in {} ms", self.page_max.as_millis()))?;
        let answer = answer.map_err(|error| error.to_string())?;
        if answer.len() as u64 == PAGE_BYTES_MAX {
            return Err(format!("more than {PAGE_BYTES_MAX} bytes"));
        }
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}
