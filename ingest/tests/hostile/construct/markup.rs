//! Attacks on formats that are text: nesting, repetition, numbers, and what never ends.

use super::{Attack, add};

/// Depths of nesting: just over a limit, over what a stack holds, over all measure.
pub const DEPTHS: [usize; 3] = [300, 5_000, 100_000];

/// Returns text nested in pairs.
pub fn nested(open: &str, inner: &str, close: &str, depth: usize) -> String {
    format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
}

/// What opens, closes, and stands around in a format.
const NESTS: [(&str, &str, &str, &str); 20] = [
    ("html", "<html>", "<div>", "</div>"),
    ("html", "<html>", "<table><tr><td>", ""),
    ("html", "<html>", "<b>", ""),
    ("html", "<html>", "<ul><li>", "</ul>"),
    ("html", "<html>", "<a href=x>", ""),
    ("html", "<html>", "<svg><foreignObject>", ""),
    ("html", "<html>", "<template>", ""),
    ("md", "", "> ", ""),
    ("md", "", "- ", ""),
    ("md", "", "*", ""),
    ("md", "", "[", ""),
    ("md", "", "![", "](x)"),
    ("md", "", "<div>\n", ""),
    ("json", "", "[", "]"),
    ("json", "", "{\"a\":", "}"),
    ("jsonl", "", "[{\"a\":", "}]"),
    ("rtf", "{\\rtf1 ", "{", "}"),
    ("rtf", "{\\rtf1 ", "{\\footnote x", "}"),
    ("rtf", "{\\rtf1 ", "{\\field{\\fldrslt a", "}}"),
    ("rtf", "{\\rtf1 ", "{\\*\\nesttableprops", "}"),
];

/// Returns the attacks on text formats.
pub fn markup() -> Vec<Attack> {
    let mut attacks = Vec::new();
    for (kind, (ending, start, open, close)) in NESTS.into_iter().enumerate() {
        for depth in DEPTHS {
            let name = format!("nested-{kind}-{depth}.{ending}");
            add(&mut attacks, &name, move || (start.to_owned() + &nested(open, "1", close, depth)).into_bytes());
        }
    }
    repeated(&mut attacks);
    mails(&mut attacks);
    attacks
}

/// Pieces that some readers go over again and again, each after a start.
const REPEATS: [(&str, &str, &str, usize); 25] = [
    ("attributes.html", "<html><p", " a%=\"1\"", 80_000),
    ("unclosed.html", "<html>", "<p><i>", 100_000),
    ("entities.html", "<html><p>", "&amp;&#x41;&nbsp;&#99999999;", 100_000),
    ("comment.html", "<html>", "<!--", 200_000),
    ("colspan.html", "<html><table>", "<tr><td colspan=1000000000 rowspan=1000000000>x", 2_000),
    ("cells.html", "<html><table>", "<tr><td>x<td>y", 50_000),
    ("misnested.html", "<html>", "<b><table><i></b>", 3_000),
    ("references.md", "", "[a%]: x\n[a%]\n", 30_000),
    ("ticks.md", "", "`%", 100_000),
    ("emphasis.md", "", "*a_ ", 100_000),
    ("brackets.md", "", "[a](", 100_000),
    ("pipes.md", "|a|\n|-|\n", "|", 200_000),
    ("columns.md", "", "|a", 5_000),
    ("less.md", "", "<a ", 100_000),
    ("quote.csv", "a,\"", "b,\n", 500_000),
    ("columns.csv", "", "a,", 1_000_000),
    ("quotes.csv", "", "\"\",\"", 500_000),
    ("keys.json", "{\"z\":1", ",\"k%\":1e99999", 100_000),
    ("numbers.json", "[1", ",1e400", 100_000),
    ("cells.rtf", "{\\rtf1 \\trowd", "\\cell\\cellx1", 200_000),
    ("binary.rtf", "{\\rtf1 ", "\\bin2147483647 x", 10_000),
    ("unicode.rtf", "{\\rtf1 ", "\\uc99999\\u-10188?", 50_000),
    ("fonts.rtf", "{\\rtf1 {\\fonttbl", "{\\f%\\fcharset134 S;}", 50_000),
    ("lines.txt", "x", "\n", 5_000_000),
    ("line.txt", "x", "word ", 2_000_000),
];

fn repeated(attacks: &mut Vec<Attack>) {
    for (name, start, piece, count) in REPEATS {
        add(attacks, name, move || {
            let numbered = |at: usize| piece.replace('%', &at.to_string());
            let body: String =
                if piece.contains('%') { (0..count).map(numbered).collect() } else { piece.repeat(count) };
            (start.to_owned() + &body).into_bytes()
        });
    }
}

fn mails(attacks: &mut Vec<Attack>) {
    const HEAD: &str = "From: a@b.c\r\nSubject: x\r\nMIME-Version: 1.0\r\n";
    let parts = |depth: usize| {
        let part = |at: usize| format!("Content-Type: multipart/mixed; boundary=b{at}\r\n\r\n--b{at}\r\n");
        (0..depth).map(part).collect::<String>()
    };
    for depth in DEPTHS {
        add(attacks, &format!("parts-{depth}.eml"), move || (HEAD.to_owned() + &parts(depth)).into_bytes());
    }
    let repeats = [
        ("messages.eml", "Content-Type: message/rfc822\r\n\r\nFrom: a@b\r\nSubject: y\r\n", 50_000),
        ("folded.eml", " more\r\n", 500_000),
        ("words.eml", "X: =?utf-8?Q?=41?= =?utf-8?B?QQ==?=\r\n", 100_000),
        ("boundaries.eml", "Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n", 10_000),
    ];
    for (name, piece, count) in repeats {
        add(attacks, name, move || (HEAD.to_owned() + &piece.repeat(count)).into_bytes());
    }
}
