//! What a group of RTF inherits from the one around it, and where its text belongs.

use encoding_rs::{Encoding, WINDOWS_1252};

use crate::document::BlockKind;

/// Where the text of a group goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Destination {
    /// The open paragraph.
    Text,
    /// Nowhere.
    Skipped,
    /// Names and character sets of fonts.
    Fonts,
    /// Names of styles.
    Styles,
    /// The marker of a list item, written for readers that cannot count.
    Marker,
    /// What the file states about itself.
    Title,
    /// Its author.
    Author,
    /// Its time of creation, in numbers.
    Created,
    /// Who wrote the comment that follows.
    CommentAuthor,
}

/// Properties of text and paragraph at one place.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub destination: Destination,
    /// Kind of the note that this group began.
    pub note: Option<BlockKind>,
    pub encoding: &'static Encoding,
    /// Characters that follow a Unicode character for old readers.
    pub fallback: usize,
    pub font: i32,
    pub is_deleted: bool,
    /// Whether the next word is one that old readers may ignore with its group.
    pub is_optional: bool,
    pub paragraph: Paragraph,
}

/// Properties of a paragraph.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Paragraph {
    pub style: i32,
    pub outline: Option<u8>,
    pub is_in_table: bool,
    pub depth: usize,
}

impl Default for State {
    fn default() -> Self {
        Self {
            destination: Destination::Text,
            note: None,
            encoding: WINDOWS_1252,
            fallback: 1,
            font: 0,
            is_deleted: false,
            is_optional: false,
            paragraph: Paragraph::default(),
        }
    }
}

/// Returns where the text of a group goes that begins with this word; `None` for words that begin no destination.
pub(super) fn destination(word: &str) -> Option<Destination> {
    Some(match word {
        "fonttbl" => Destination::Fonts,
        "stylesheet" => Destination::Styles,
        "listtext" | "pntext" => Destination::Marker,
        "title" => Destination::Title,
        "author" => Destination::Author,
        "creatim" => Destination::Created,
        "atnauthor" => Destination::CommentAuthor,
        // Unicode text, links, boxes and tables, in groups that old readers skip.
        "ud" | "fldrslt" | "shptxt" | "result" | "footnote" | "annotation" => Destination::Text,
        "colortbl" | "pict" | "objdata" | "header" | "headerl" | "headerr" | "headerf" | "footer" | "footerl"
        | "footerr" | "footerf" | "fldinst" | "upr" | "sp" | "nonesttables" | "xe" | "rxe" | "tc" | "tcn"
        | "revtbl" | "listtable" | "listoverridetable" | "ftnsep" | "ftnsepc" | "ftncn" | "aftnsep" | "aftnsepc"
        | "aftncn" | "atnid" | "atnref" | "atnicn" | "atndate" | "atrfstart" | "atrfend" | "bkmkstart" | "bkmkend"
        | "subject" | "operator" | "keywords" | "comment" | "doccomm" | "company" | "manager" | "category"
        | "hlinkbase" | "revtim" | "printim" | "buptim" | "generator" | "private" | "template" | "shppict"
        | "nonshppict" | "mmathPict" => Destination::Skipped,
        _ => return None,
    })
}

/// Returns whether a group that old readers may ignore holds text all the same.
pub(super) fn is_transparent(word: &str) -> bool {
    matches!(word, "shpinst" | "nesttableprops" | "do" | "dptxbx" | "dptxbxtext" | "mmath" | "moMath" | "docvar")
}

/// Returns the character that a word stands for.
pub(super) fn character(word: &str) -> Option<char> {
    Some(match word {
        "tab" => '\t',
        "line" | "lbr" => '\n',
        "emdash" => '—',
        "endash" => '–',
        "emspace" | "enspace" | "qmspace" => ' ',
        "lquote" => '‘',
        "rquote" => '’',
        "ldblquote" => '“',
        "rdblquote" => '”',
        "bullet" => '•',
        "~" => '\u{a0}',
        "_" => '-',
        _ => return None,
    })
}
