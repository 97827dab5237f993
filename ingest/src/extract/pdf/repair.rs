//! Rebuilds the index of a PDF file whose own index is missing or wrong.
//!
//! Finds `12 0 obj` wherever it stands and writes a new cross-reference table behind the file. Objects inside object
//! streams come back when lopdf unpacks these streams. Streams without a right length are [`length`]'s.

use lopdf::{Dictionary, Document, Object, ObjectId, dictionary};

use super::length::{self, Objects};

/// Returns the file with a new index behind it.
pub fn rebuilt(bytes: &[u8]) -> Vec<u8> {
    let start = find(bytes, b"%PDF-").unwrap_or(0);
    let mut file = bytes[start..].to_vec();
    if find(bytes, b"%PDF-").is_none() {
        file.splice(0..0, *b"%PDF-1.4\n");
    }
    let mut objects = objects(&file);
    length::repair(&mut file, &mut objects);
    let mut trailer = trailer_entries(&file);
    if !trailer.contains("/Root")
        && let Some(number) = catalog(&file, &objects)
    {
        trailer.push_str(&format!("/Root {number} 0 R "));
    }
    let size = objects.keys().last().map_or(1, |last| last + 1);
    let index = file.len() + 1;
    let mut table = String::from("\nxref\n0 1\n0000000000 65535 f \n");
    for (number, (offset, generation)) in &objects {
        table.push_str(&format!("{number} 1\n{offset:010} {generation:05} n \n"));
    }
    table.push_str(&format!("trailer\n<< /Size {size} {trailer}>>\nstartxref\n{index}\n%%EOF\n"));
    file.extend_from_slice(table.as_bytes());
    file
}

/// Makes a page tree of all pages where the file's own tree leads to none.
pub fn find_pages(document: &mut Document) {
    if document.page_iter().next().is_some() {
        return;
    }
    let is_page = |object: &Object| object.as_dict().is_ok_and(|it| it.has_type(b"Page") || looks_like_page(it));
    let pages: Vec<ObjectId> =
        document.objects.iter().filter(|(_, object)| is_page(object)).map(|(id, _)| *id).collect();
    for id in &pages {
        if let Ok(page) = document.get_dictionary_mut(*id) {
            page.set("Type", "Page");
        }
    }
    let kids: Vec<Object> = pages.iter().map(|id| Object::Reference(*id)).collect();
    let tree = document.add_object(dictionary! { "Type" => "Pages", "Count" => kids.len() as i64, "Kids" => kids });
    let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => tree });
    document.trailer.set("Root", catalog);
}

fn looks_like_page(dictionary: &Dictionary) -> bool {
    !dictionary.has(b"Type") && dictionary.has(b"Contents") && dictionary.has(b"Parent")
}

/// Returns where each object stands; the last one wins, as in a file that was saved again.
fn objects(file: &[u8]) -> Objects {
    let mut objects = Objects::new();
    let mut at = 0;
    while let Some(found) = find(&file[at..], b"obj") {
        let place = at + found;
        at = place + 3;
        let generation = number_before(file, place);
        let number = generation.and_then(|(start, _)| number_before(file, start));
        if let (Some((_, generation)), Some((start, number))) = (generation, number) {
            let (Ok(number), Ok(generation)) = (u32::try_from(number), u16::try_from(generation)) else { continue };
            if number <= 8_388_607 {
                objects.insert(number, (start, generation));
            }
        }
    }
    objects
}

/// Reads the number that ends, apart from white space, at `end`; returns where it starts and its value.
fn number_before(file: &[u8], end: usize) -> Option<(usize, u64)> {
    let last = file[..end].iter().rposition(|byte| !byte.is_ascii_whitespace())?;
    let first = file[..=last].iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |at| at + 1);
    let digits = std::str::from_utf8(&file[first..=last]).ok()?;
    Some((first, digits.parse().ok()?))
}

/// Copies references that the trailers of the file state: root, information, encryption and its file id.
fn trailer_entries(file: &[u8]) -> String {
    let mut entries = String::new();
    for key in ["/Root", "/Info", "/Encrypt"] {
        if let Some(reference) = last_reference(file, key.as_bytes()) {
            entries.push_str(&format!("{key} {reference} "));
        }
    }
    if let Some(at) = rfind(file, b"/ID")
        && let Some(length) = find(&file[at..], b"]").filter(|length| *length < 512)
        && let Ok(id) = std::str::from_utf8(&file[at..=at + length])
        && id.is_ascii()
    {
        entries.push_str(id);
        entries.push(' ');
    }
    entries
}

fn last_reference(file: &[u8], key: &[u8]) -> Option<String> {
    let mut end = file.len();
    while let Some(at) = rfind(&file[..end], key) {
        let after = &file[at + key.len()..file.len().min(at + key.len() + 40)];
        let text = String::from_utf8_lossy(after);
        let mut words = text.split_ascii_whitespace();
        if let (Some(number), Some(generation), Some(mark)) = (words.next(), words.next(), words.next())
            && number.parse::<u32>().is_ok()
            && generation.parse::<u16>().is_ok()
            && mark.starts_with('R')
        {
            return Some(format!("{number} {generation} R"));
        }
        end = at;
    }
    None
}

fn catalog(file: &[u8], objects: &Objects) -> Option<u32> {
    let is_catalog = |offset: usize| {
        let body = &file[offset..];
        let body = &body[..find(body, b"endobj").unwrap_or(body.len()).min(4096)];
        find(body, b"/Catalog").is_some()
    };
    objects.iter().rev().find(|(_, (offset, _))| is_catalog(*offset)).map(|(number, _)| *number)
}

/// Returns where `wanted` first stands.
pub fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn rfind(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).rposition(|window| window == wanted)
}
