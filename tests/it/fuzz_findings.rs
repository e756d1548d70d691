//! What the fuzzer began with and what it once found, read again with its own checks (`bash .ci/fuzz` finds more).

use std::fs;
use std::path::Path;

#[path = "../../fuzz/checks.rs"]
pub mod checks;

#[test]
fn every_seed_and_every_finding_of_the_fuzzer_holds() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    for kind in ["seeds", "regressions"] {
        for folder in fs::read_dir(fuzz.join(kind)).unwrap() {
            let folder = folder.unwrap().path();
            let target = folder.file_name().unwrap().to_str().unwrap();
            let named = checks::TARGETS.iter().find(|(name, _)| *name == target);
            let (_, check) = named.unwrap_or_else(|| panic!("{kind}/{target} belongs to no target"));
            for input in fs::read_dir(&folder).unwrap() {
                let input = input.unwrap().path();
                println!("{}", input.display());
                check(&fs::read(&input).unwrap());
            }
        }
    }
    let seeded = |name: &str| fuzz.join("seeds").join(name).is_dir();
    assert!(checks::TARGETS.iter().all(|(name, _)| seeded(name)), "a target has no seeds, so it is not run");
}
