//! Chunking as a user of the crate sees it: edges, sizes, headings, tables, and properties over random documents.

use proptest::prelude::*;
use ragstone_ingest::chunk::{Chunk, ChunkRules, ChunkStrategy, Overlap, split};
use ragstone_ingest::{BlockKind, Document};

const SMALL: ChunkRules = ChunkRules {
    target_tokens: 20,
    max_tokens: 40,
    overlap: Overlap::Sentences(1),
    strategy: ChunkStrategy::Structure,
};

/// Counts words, and CJK characters one by one, as a tokenizer roughly does.
fn count(text: &str) -> usize {
    let wide = text.chars().filter(|character| ('\u{3400}'..='\u{9fff}').contains(character)).count();
    wide + text.split(|character: char| character.is_whitespace()).filter(|word| !word.is_empty()).count()
}

fn document(blocks: &[(BlockKind, u8, &str)]) -> Document {
    let mut document = Document::default();
    for (kind, level, text) in blocks {
        document.push(*kind, Some(*level).filter(|_| *kind == BlockKind::Heading), Some(1), text);
    }
    document
}

fn texts(chunks: &[Chunk]) -> Vec<&str> {
    chunks.iter().map(|chunk| chunk.text.as_str()).collect()
}

#[test]
fn a_top_heading_begins_a_chunk_and_stays_with_its_text() {
    use BlockKind::{Heading, Paragraph};
    let document = document(&[
        (Heading, 1, "Travel"),
        (Heading, 2, "Hotels"),
        (Paragraph, 0, "At most 180 euros a night."),
        (Heading, 2, "Trains"),
        (Paragraph, 0, "First class above four hours."),
        (Heading, 3, "Seats"),
        (Paragraph, 0, "By the window."),
    ]);
    let chunks = split(&document, &SMALL, &count);
    assert_eq!(
        texts(&chunks),
        [
            "Travel\n\nHotels\n\nAt most 180 euros a night.",
            "Trains\n\nFirst class above four hours.\n\nSeats\n\nBy the window."
        ]
    );
    assert_eq!(chunks[0].heading, ["Travel", "Hotels"]);
    assert_eq!(chunks[1].heading, ["Travel", "Trains"]);
}

#[test]
fn a_long_paragraph_is_cut_at_sentences_and_repeats_the_last_one() {
    let sentence = |number: usize| format!("Sentence {number} has five words.");
    let text = (1..=8).map(sentence).collect::<Vec<_>>().join(" ");
    let rules =
        ChunkRules { target_tokens: 20, max_tokens: 30, overlap: Overlap::Sentences(1), ..ChunkRules::default() };
    let chunks = split(&document(&[(BlockKind::Paragraph, 0, &text)]), &rules, &count);
    assert!(chunks.len() >= 2);
    assert!(chunks.iter().all(|chunk| chunk.text.starts_with("Sentence") && chunk.text.ends_with("words.")));
    assert!(chunks[1].char_start < chunks[0].char_end);
}

#[test]
fn a_long_table_repeats_its_header_row() {
    let rows: Vec<String> = (1..=12).map(|row| format!("city {row} | {row}00 euros a night")).collect();
    let table = format!("City | Limit\n{}", rows.join("\n"));
    let chunks = split(&document(&[(BlockKind::Table, 0, &table)]), &SMALL, &count);
    assert!(chunks.len() > 2);
    assert!(chunks.iter().all(|chunk| chunk.text.starts_with("City | Limit\n")));
    assert!(chunks.iter().all(|chunk| chunk.tokens <= SMALL.max_tokens));
}

#[test]
fn chinese_text_is_cut_after_its_own_stops() {
    let text = "员工每年享有十天带薪年假。年假须提前两周申请。经理应在三天内答复。未休完的年假可以结转。";
    let rules =
        ChunkRules { target_tokens: 26, max_tokens: 40, overlap: Overlap::Sentences(0), ..ChunkRules::default() };
    let chunks = split(&document(&[(BlockKind::Paragraph, 0, text)]), &rules, &count);
    assert!(chunks.len() >= 2);
    assert!(chunks.iter().all(|chunk| chunk.text.ends_with('。')));
}

#[test]
fn a_counter_that_grows_at_joins_never_breaks_the_bound() {
    let text = "One two three. ".repeat(30);
    let squared = |text: &str| count(text) * count(text) / 4;
    let chunks = split(&document(&[(BlockKind::Paragraph, 0, &text)]), &SMALL, &squared);
    assert!(chunks.iter().all(|chunk| chunk.tokens <= SMALL.max_tokens && squared(&chunk.text) == chunk.tokens));
}

#[test]
fn an_empty_document_has_no_chunks_and_the_rules_have_a_name() {
    assert_eq!(split(&Document::default(), &SMALL, &count), []);
    assert_eq!(ChunkRules::default().rule_id(), "structure-2/256/512/1");
}

fn any_block() -> impl Strategy<Value = (BlockKind, Option<u8>, u32, String)> {
    let kind = prop_oneof![
        Just(BlockKind::Heading),
        Just(BlockKind::Paragraph),
        Just(BlockKind::ListItem),
        Just(BlockKind::Table),
        Just(BlockKind::Code),
        Just(BlockKind::Note),
    ];
    let text = prop_oneof!["[a-zA-Z .!?\n]{1,300}", "[一-十。！a1 \n]{1,200}", "[a-z中]{1,400}", "\\PC{1,60}"];
    (kind, 1..5u8, 0..3u32, text)
        .prop_map(|(kind, level, pages, text)| (kind, Some(level).filter(|_| kind == BlockKind::Heading), pages, text))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn all_text_is_covered_in_order_and_within_bounds(blocks in prop::collection::vec(any_block(), 0..12)) {
        let mut document = Document::default();
        let mut page = 1;
        for (kind, level, pages, text) in &blocks {
            if let Some(block) = document.push(*kind, *level, Some(page), text) {
                block.boxes = vec![(page, 0.0, 0.0, 1.0, 1.0), (page + pages, 0.0, 0.0, 1.0, 1.0)];
                page += pages;
            }
        }
        let chunks = split(&document, &SMALL, &count);
        let characters: Vec<char> = document.text.chars().collect();
        let mut covered = vec![false; characters.len()];
        for chunk in &chunks {
            prop_assert!(chunk.char_start < chunk.char_end);
            covered[chunk.char_start..chunk.char_end].fill(true);
            let passage: String = characters[chunk.char_start..chunk.char_end].iter().collect();
            let is_verbatim = chunk.text == passage || chunk.text.ends_with(&format!("\n{passage}"));
            prop_assert!(is_verbatim);
            prop_assert_eq!(count(&chunk.text), chunk.tokens);
            prop_assert!(chunk.tokens <= SMALL.max_tokens);
            let touched: Vec<_> = document.blocks.iter()
                .filter(|block| block.start < chunk.char_end && chunk.char_start < block.end).collect();
            prop_assert_eq!(chunk.page, touched.iter().filter_map(|block| block.page).min());
            prop_assert_eq!(chunk.page_end, touched.iter().flat_map(|block| block.boxes.iter().map(|one| one.0)).max());
        }
        for pair in chunks.windows(2) {
            prop_assert!(pair[0].char_start < pair[1].char_start && pair[0].char_end < pair[1].char_end);
        }
        for block in &document.blocks {
            for at in block.start..block.end {
                prop_assert!(covered[at] || characters[at].is_whitespace(), "character {} is in no chunk", at);
            }
        }
    }
}

#[test]
fn the_items_of_a_list_stay_together_where_they_can() {
    let item = |number: usize| format!("{number}. an item of seven words in all");
    let items: Vec<String> = (1..=4).map(item).collect();
    let mut blocks = vec![(BlockKind::Paragraph, 0, "Some words before the list of four items.")];
    blocks.extend(items.iter().map(|item| (BlockKind::ListItem, 0, item.as_str())));
    blocks.push((BlockKind::Paragraph, 0, "Some words behind it."));
    let chunks = split(&document(&blocks), &SMALL, &count);
    assert_eq!(chunks.len(), 3, "{:?}", texts(&chunks));
    assert!(chunks[1].text.starts_with("1. ") && chunks[1].text.contains("4. an item"));
}

#[test]
fn code_stays_whole_up_to_the_largest_chunk() {
    let code = "let a = 1;\n".repeat(9);
    let blocks = [(BlockKind::Paragraph, 0, "Before it."), (BlockKind::Code, 0, code.as_str())];
    let chunks = split(&document(&blocks), &SMALL, &count);
    assert_eq!(texts(&chunks), ["Before it.", code.trim()]);
}

fn pages() -> Document {
    let mut document = Document { pages: Some(2), ..Document::default() };
    document.push(BlockKind::Heading, Some(1), Some(1), "Top");
    document.push(BlockKind::Paragraph, None, Some(1), "One sentence of six words. Another one of five words.");
    document.push(BlockKind::Heading, Some(1), Some(1), "Next");
    document.push(BlockKind::Paragraph, None, Some(2), "On the second page.");
    document
}

fn check_strategy(strategy: ChunkStrategy, target_tokens: usize, expected: &[&str]) {
    let rules = ChunkRules { strategy, target_tokens, max_tokens: 40, overlap: Overlap::Sentences(0) };
    assert_eq!(texts(&split(&pages(), &rules, &count)), expected);
}

#[test]
fn strategies_end_chunks_at_sections_sizes_or_pages() {
    let (one, another) = ("One sentence of six words.", "Another one of five words.");
    let top = format!("Top\n\n{one} {another}");
    check_strategy(ChunkStrategy::Structure, 30, &[&top, "Next\n\nOn the second page."]);
    check_strategy(ChunkStrategy::Page, 9, &[&format!("{top}\n\nNext"), "On the second page."]);
    check_strategy(ChunkStrategy::Recursive, 30, &[&format!("{top}\n\nNext\n\nOn the second page.")]);
    check_strategy(
        ChunkStrategy::Fixed,
        5,
        &["Top\n\nOne sentence of six", "words. Another one of five", "words.\n\nNext\n\nOn the second", "page."],
    );
}

/// A word of eight tokens was left whole in chunks of fixed size that may have fewer. The functions for fuzzers found it.
#[test]
fn a_fixed_chunk_of_few_tokens_keeps_its_bound() {
    let rules = ChunkRules { target_tokens: 2, max_tokens: 3, strategy: ChunkStrategy::Fixed, ..SMALL };
    let document = document(&[(BlockKind::Paragraph, 0, "中文没有空格的一段话")]);
    let chunks = split(&document, &rules, &|text| text.chars().count());
    assert!(chunks.iter().all(|chunk| chunk.tokens <= 3), "{:?}", texts(&chunks));
}

#[test]
fn an_overlap_in_tokens_repeats_whole_sentences_and_words_of_fixed_chunks() {
    let text = (1..=20).map(|number| format!("Sentence {number} has five words.")).collect::<Vec<_>>().join(" ");
    let document = document(&[(BlockKind::Paragraph, 0, &text)]);
    let repeated = |strategy, tokens| {
        let rules = ChunkRules { strategy, overlap: Overlap::Tokens(tokens), ..SMALL };
        let chunks = split(&document, &rules, &count);
        assert!(chunks.iter().all(|chunk| chunk.tokens <= SMALL.max_tokens) && chunks.len() > 3);
        let characters: Vec<char> = document.text.chars().collect();
        let shared = chunks.windows(2).map(|pair| {
            characters[pair[1].char_start..pair[0].char_end.max(pair[1].char_start)].iter().collect::<String>()
        });
        shared.map(|text| count(&text)).collect::<Vec<_>>()
    };
    assert!(repeated(ChunkStrategy::Structure, 0).iter().all(|count| *count == 0));
    assert!(repeated(ChunkStrategy::Structure, 4).iter().all(|count| *count == 0), "no sentence is so short");
    assert!(repeated(ChunkStrategy::Structure, 10).iter().all(|count| *count == 10));
    assert!(repeated(ChunkStrategy::Fixed, 4).iter().all(|count| *count == 4));
    assert_eq!(ChunkRules { overlap: Overlap::Tokens(4), ..SMALL }.rule_id(), "structure-2/20/40/4t");
}

#[test]
fn every_strategy_keeps_every_word_and_has_a_name_of_its_own() {
    let mut ids = std::collections::HashSet::new();
    for strategy in [ChunkStrategy::Structure, ChunkStrategy::Recursive, ChunkStrategy::Fixed, ChunkStrategy::Page] {
        let rules = ChunkRules { strategy, overlap: Overlap::Sentences(0), ..SMALL };
        let joined = texts(&split(&pages(), &rules, &count)).join(" ");
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&joined), words(&pages().text), "{strategy:?}");
        assert!(ids.insert(rules.rule_id()));
    }
}

#[test]
fn chunks_of_a_section_have_it_in_common() {
    let long = "A sentence of five words. ".repeat(12);
    let document = document(&[
        (BlockKind::Paragraph, 0, "A preface."),
        (BlockKind::Heading, 1, "Travel"),
        (BlockKind::Heading, 2, "Hotels"),
        (BlockKind::Paragraph, 0, &long),
        (BlockKind::Heading, 2, "Trains"),
        (BlockKind::Paragraph, 0, "First class."),
    ]);
    let characters: Vec<char> = document.text.chars().collect();
    let section = |chunk: &Chunk| characters[chunk.section_start..chunk.section_end].iter().collect::<String>();
    let chunks = split(&document, &SMALL, &count);
    assert_eq!(section(&chunks[0]), "A preface.");
    assert!(
        chunks.len() >= 5
            && chunks[1..chunks.len() - 1].iter().all(|chunk| section(chunk).starts_with("Travel\n\nHotels\n\nA"))
    );
    assert_eq!(section(&chunks[chunks.len() - 1]), "Trains\n\nFirst class.");
}
