//! Writes the text that stands for a chunk in the indexes: its passage, led by what it is about.
//!
//! Only the indexes see it; what is stored and cited stays the passage itself.

/// Returns what is embedded and indexed for a chunk: document name, title where it says more, headings, then the text.
///
/// A heading that opens the chunk's text is not said twice.
pub fn embedding_text(name: &str, title: Option<&str>, heading: &[String], text: &str) -> String {
    let document = document_name(name, title);
    let headings = heading.iter().map(String::as_str);
    let headings = headings.filter(|heading| !text.starts_with(heading) && Some(*heading) != title);
    let mut lead: Vec<&str> = std::iter::once(document.as_str()).chain(headings).collect();
    lead.retain(|part| !part.is_empty());
    match lead.is_empty() {
        true => text.to_owned(),
        false => format!("{}\n{}", lead.join(" > "), text),
    }
}

/// Returns what a document is called: the file's stem with `_` and `-` as spaces, and its title where that says more.
pub fn document_name(name: &str, title: Option<&str>) -> String {
    let name = spoken_name(name);
    match title.map(str::trim).filter(|title| says_more(title, &name)) {
        Some(title) if name.is_empty() => title.to_owned(),
        Some(title) => format!("{name} > {title}"),
        None => name,
    }
}

/// `docs/travel_policy-2025.pdf` is spoken `travel policy 2025`.
fn spoken_name(name: &str) -> String {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let stem = match file.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && extension.len() <= 5 => stem,
        _ => file,
    };
    stem.split(['_', '-', ' ']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn says_more(title: &str, name: &str) -> bool {
    let bare =
        |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    !bare(name).contains(&bare(title))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, title: Option<&str>, headings: &[&str], text: &str, expected: &str) {
        let headings: Vec<String> = headings.iter().map(|&heading| heading.to_owned()).collect();
        assert_eq!(embedding_text(name, title, &headings, text), expected);
    }

    #[test]
    fn name_title_and_headings_lead_the_text() {
        check("a/travel_policy-2025.pdf", None, &[], "Who pays?", "travel policy 2025\nWho pays?");
        check("t.pdf", Some("Business Travel"), &["Hotels"], "x", "t > Business Travel > Hotels\nx");
    }

    #[test]
    fn nothing_is_said_twice() {
        check("travel-policy.pdf", Some("Travel Policy"), &["Hotels"], "Hotels\n\nx", "travel policy\nHotels\n\nx");
        check("年假.docx", Some("年假"), &["年假", "申请"], "x", "年假 > 申请\nx");
    }
}
