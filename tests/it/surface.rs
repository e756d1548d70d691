//! What users hold on to says the same everywhere: `action.yml`, README, schema, reasons.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use counterpoint::domain::outcome::Reason;

const INPUTS: [&str; 14] = [
    "github-token",
    "anthropic-api-key",
    "openai-api-key",
    "config",
    "pull-request",
    "strategy",
    "max-cost-usd",
    "max-minutes",
    "claude-model",
    "codex-model",
    "fail-on",
    "on-failure",
    "evidence",
    "post",
];

const OUTPUTS: [&str; 18] = [
    "outcome",
    "reason",
    "gate",
    "lanes",
    "findings",
    "agreed",
    "confirmed",
    "disputed",
    "contradictions",
    "solo",
    "unchecked",
    "withdrawn",
    "inline-comments",
    "cost-usd",
    "seconds",
    "record",
    "sarif",
    "review-url",
];

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn keys(of: &str) -> BTreeSet<String> {
    let action: serde_yaml::Value = serde_yaml::from_str(&read("action.yml")).unwrap();
    let section = action.get(of).and_then(serde_yaml::Value::as_mapping).unwrap();
    section.keys().map(|key| key.as_str().unwrap().to_owned()).collect()
}

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn the_action_has_exactly_the_inputs_and_outputs_of_the_contract() {
    assert_eq!(keys("inputs"), set(&INPUTS));
    assert_eq!(keys("outputs"), set(&OUTPUTS));
}

#[test]
fn the_readme_names_every_input_output_and_key() {
    let readme = read("README.md");
    let keys = [
        "lanes",
        "strategy",
        "fail_on",
        "on_failure",
        "max_cost_usd",
        "max_minutes",
        "per_pr_usd",
        "inline",
        "exclude",
        "high_stakes",
        "trigger",
        "drafts",
        "bots",
        "guidelines",
        "prices",
    ];
    for word in INPUTS.iter().chain(&OUTPUTS).chain(&keys) {
        assert!(readme.contains(word), "the README does not name `{word}`");
    }
}

#[test]
fn the_documentation_explains_every_reason() {
    let page = read("docs/outcomes.md");
    for reason in Reason::ALL {
        assert!(page.contains(&format!("`{reason}`")), "docs/outcomes.md does not explain `{reason}`");
    }
}

#[test]
fn the_documented_configuration_is_the_one_the_program_reads() {
    let readme = read("README.md");
    let yaml = readme.split("```yaml").map(|part| part.split("```").next().unwrap_or_default());
    let config =
        yaml.into_iter().find(|block| block.contains("max_cost_usd")).expect("a configuration in the README");
    counterpoint::domain::config::parse("README.md", config).unwrap();
}

#[test]
fn the_architecture_page_names_no_file_that_is_gone() {
    let page = read("docs/architecture.md");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for word in page.split('`').filter(|word| word.starts_with("src/") || word.starts_with("tests/")) {
        assert!(root.join(word.trim_end_matches('/')).exists(), "docs/architecture.md names {word}");
    }
}

#[test]
fn the_version_is_the_same_in_manifest_and_changelog() {
    assert!(read("CHANGELOG.md").contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn every_configuration_that_the_pages_show_is_one() {
    let mut shown = 0;
    for page in ["README.md", "docs/lanes.md", "docs/agents.md"] {
        let text = read(page);
        let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
        for block in blocks.filter(|block| block.starts_with("lanes:") || block.starts_with("version:")) {
            shown += 1;
            let settled = counterpoint::domain::config::parse(page, block)
                .map_err(|error| error.to_string())
                .and_then(|config| counterpoint::domain::config::settle(&config, &Default::default()));
            assert!(settled.is_ok(), "{page}: {settled:?}\n{block}");
        }
    }
    assert!(shown > 5, "{shown}");
}
