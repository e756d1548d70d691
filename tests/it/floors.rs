//! The house: a file looks only downwards, and what belongs to one room is named in one room.

use std::fs;
use std::path::{Path, PathBuf};

/// Floors from the ground up, as the table in `src/lib.rs` tells them.
const FLOORS: [(&str, &[&str]); 6] = [
    ("domain", &["domain"]),
    ("adapters", &["adapters", "domain"]),
    ("stages", &["adapters", "domain"]),
    ("pipeline", &["stages", "adapters", "domain"]),
    ("cli", &["adapters", "domain"]),
    ("commands", &["cli", "pipeline", "stages", "adapters", "domain"]),
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every source file as (path inside `src`, text without its tests).
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    files(&source(), &mut found);
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(source()).unwrap().to_str().unwrap().to_owned();
            (name, without_tests(&fs::read_to_string(&path).unwrap()))
        })
        .filter(|(name, _)| !name.contains("tests"))
        .collect()
}

fn without_tests(text: &str) -> String {
    text.split("#[cfg(test)]").next().unwrap_or_default().to_owned()
}

/// The module after each `crate::`, groups such as `use crate::{a, b}` included.
fn looked_at(text: &str) -> Vec<String> {
    let mut modules = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        let list = match rest.strip_prefix('{') {
            Some(group) => group.split('}').next().unwrap_or_default().to_owned(),
            None => rest.to_owned(),
        };
        for part in list.split(',').take(if rest.starts_with('{') { 99 } else { 1 }) {
            let word: String = part.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            modules.push(word);
        }
    }
    modules
}

#[test]
fn no_file_looks_upwards() {
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        let room = name.trim_end_matches(".rs").split('/').next().unwrap().to_owned();
        let Some((_, allowed)) = FLOORS.iter().find(|(floor, _)| *floor == room) else { continue };
        for module in looked_at(&text) {
            if !allowed.contains(&module.as_str()) {
                wrong.push(format!("{name} looks at crate::{module}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn stages_do_not_know_each_other() {
    let wrong: Vec<String> = sources()
        .into_iter()
        .filter(|(name, _)| name.starts_with("stages/") && name != "stages/mod.rs")
        // Below a stage's own folder, `super` is still that stage.
        .filter(|(name, text)| {
            let deep = name.split('/').count();
            let inside = deep > 3 || (deep > 2 && !name.ends_with("/mod.rs"));
            let upwards = if inside { "super::super" } else { "super::" };
            text.contains(upwards) || text.contains("crate::stages")
        })
        .map(|(name, _)| name)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn the_domain_does_no_input_or_output_and_knows_no_clock() {
    let forbidden = [
        "std::fs",
        "std::net",
        "std::env",
        "std::process",
        "tokio",
        "reqwest",
        "octocrab",
        "SystemTime",
        "Instant",
        "async fn",
        "println!",
    ];
    let mut wrong = Vec::new();
    for (name, text) in sources().into_iter().filter(|(name, _)| name.starts_with("domain/")) {
        for word in forbidden {
            if text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(word)) {
                wrong.push(format!("{name}: {word}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_belongs_to_one_room_is_named_in_one_room() {
    let homes = [
        ("octocrab", "adapters/github/"),
        ("use clap", "cli.rs"),
        ("prices.tsv", "domain/budget/"),
        ("x-api-key", "adapters/providers/"),
        ("GITHUB_OUTPUT", "adapters/actions.rs"),
    ];
    for (word, home) in homes {
        for (name, text) in sources() {
            let named = text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(word));
            // `main` parses, so it names the parser's trait.
            let excused = word == "use clap" && name == "main.rs";
            assert!(!named || name.starts_with(home) || excused, "{word} stands in {name}");
        }
    }
}

#[test]
fn only_the_stage_that_publishes_writes_to_github() {
    let writes = [
        ".review(",
        ".comment(",
        ".edit_comment(",
        ".react(",
        ".unreact(",
        ".delete_pending_review(",
        ".check(",
        ".edit_line_comment(",
    ];
    for (name, text) in sources() {
        if name == "stages/publish.rs" || name.starts_with("adapters/github/") {
            continue;
        }
        for call in writes {
            assert!(!text.contains(&format!("github{call}")), "{name} calls {call}");
        }
    }
}

#[test]
fn files_are_short_enough_to_be_read_in_one_go() {
    let long: Vec<String> = sources()
        .into_iter()
        .map(|(name, text)| (name, text.lines().count()))
        .filter(|(_, lines)| *lines > 530)
        .map(|(name, lines)| format!("{name}: {lines} lines without tests"))
        .collect();
    assert!(long.is_empty(), "{long:?}");
}
