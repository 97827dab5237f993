//! Names the sample documents and writes them to a folder.
//!
//! Holds no prose: the texts are files of their own, compiled in, so that the binary needs nothing beside it.

use std::io;
use std::path::{Path, PathBuf};

use super::source::SampleDocument;
use super::{docx, pdf};

/// The sample texts: twenty in English, ten in Chinese.
const TEXTS: [&str; 30] = [
    include_str!("texts/travel-policy.md"),
    include_str!("texts/expense-policy.md"),
    include_str!("texts/security-incident-response.md"),
    include_str!("texts/password-and-access-policy.md"),
    include_str!("texts/remote-work-policy.md"),
    include_str!("texts/onboarding-guide.md"),
    include_str!("texts/leave-and-holidays.md"),
    include_str!("texts/code-of-conduct.md"),
    include_str!("texts/aquila-3-datasheet.md"),
    include_str!("texts/brook-200-user-manual.md"),
    include_str!("texts/product-roadmap-2026.md"),
    include_str!("texts/minutes-board-2025-09-18.md"),
    include_str!("texts/minutes-release-review-2025-10-07.md"),
    include_str!("texts/lab-report-membrane-fouling.md"),
    include_str!("texts/lab-report-battery-cold.md"),
    include_str!("texts/supplier-quality-agreement.md"),
    include_str!("texts/warranty-and-returns.md"),
    include_str!("texts/data-protection-notice.md"),
    include_str!("texts/office-emergency-plan.md"),
    include_str!("texts/support-runbook-cloud.md"),
    include_str!("texts/zh-annual-leave.md"),
    include_str!("texts/zh-travel-expenses.md"),
    include_str!("texts/zh-security-incident.md"),
    include_str!("texts/zh-onboarding.md"),
    include_str!("texts/zh-purchasing.md"),
    include_str!("texts/zh-brook-manual.md"),
    include_str!("texts/zh-minutes-2025-09.md"),
    include_str!("texts/zh-lab-safety.md"),
    include_str!("texts/zh-after-sales.md"),
    include_str!("texts/zh-training.md"),
];

/// What the second edition of the travel policy says instead of the first. Kept in step with the text by a test.
const CHANGES: [(&str, &str); 4] = [
    ("date: 2025-01-15", "date: 2025-11-03"),
    ("| Zurich | 210 euros | 75 euros |", "| Zurich | 240 euros | 85 euros |"),
    ("| Paris | 180 euros | 60 euros |", "| Paris | 205 euros | 65 euros |"),
    ("The expense report is due within 30 days", "The expense report is due within 14 days"),
];

/// A rendered document.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// File name with its extension.
    pub file: String,
    /// Content of the file.
    pub bytes: Vec<u8>,
}

/// Renders all sample documents; the same bytes on every call.
pub fn samples() -> Vec<Sample> {
    TEXTS.iter().map(|text| rendered(text)).collect()
}

/// Renders the second edition of one of them, the travel policy: same file name, other limits and another deadline.
pub fn replacement() -> Sample {
    let text = CHANGES.iter().fold(TEXTS[0].to_owned(), |text, (old, new)| text.replace(old, new));
    rendered(&text)
}

/// Writes all sample documents into a folder, which is made when it does not exist, and returns their paths.
pub fn write_samples(folder: &Path) -> io::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder)?;
    let mut paths = Vec::with_capacity(TEXTS.len());
    for sample in samples() {
        let path = folder.join(&sample.file);
        std::fs::write(&path, &sample.bytes)?;
        paths.push(path);
    }
    Ok(paths)
}

fn rendered(text: &str) -> Sample {
    let document = SampleDocument::parse(text);
    let bytes = match document.file.ends_with(".pdf") {
        true => pdf::render(&document),
        false => docx::render(&document),
    };
    Sample { file: document.file, bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_of_the_second_edition_applies() {
        assert!(CHANGES.iter().all(|(old, new)| TEXTS[0].contains(old) && !TEXTS[0].contains(new)));
        let first = samples().swap_remove(0);
        assert_eq!(first.file, replacement().file);
        assert_ne!(first.bytes, replacement().bytes);
    }
}
