//! What nobody reads line by line: generated and vendored files.

use super::attributes::Attributes;
use crate::domain::config::Settings;
use crate::domain::diff::{FileDiff, LineKind, Status};

/// Why a file is left out unless somebody wants it read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// `paths.exclude` says so.
    Excluded,
    /// A tool writes it.
    Generated,
    /// It is somebody else's code.
    Vendored,
    /// A package manager writes it.
    LockFile,
    /// It is code for machines, in lines that no person reads.
    Minified,
}

impl Why {
    /// The words that people and the record see.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Excluded => "excluded by the configuration",
            Self::Generated => "generated",
            Self::Vendored => "vendored",
            Self::LockFile => "lock file",
            Self::Minified => "minified",
        }
    }
}

/// Why a file is left out, if it is: the configuration comes first, then the defaults, from which files are exempt that
/// it calls high stakes.
#[must_use]
pub fn left_out(file: &FileDiff, settings: &Settings, attributes: &Attributes) -> Option<Why> {
    if settings.exclude.is_match(&file.path) {
        return Some(Why::Excluded);
    }
    if settings.high_stakes.is_match(&file.path) { None } else { by_default(file, attributes) }
}

/// Why a file is left out by default, if it is. A mark that the base branch's attributes unset has the file read
/// whatever its name. A file that is renamed is left out only if both its names are: code does not vanish by
/// moving it.
fn by_default(file: &FileDiff, attributes: &Attributes) -> Option<Why> {
    let before = file.old_path.as_deref().filter(|_| file.status == Status::Renamed);
    if before.is_some_and(|path| under(path, file, attributes).is_none()) {
        return None;
    }
    under(&file.path, file, attributes)
}

/// The same for a file under one of its names.
fn under(path: &str, file: &FileDiff, attributes: &Attributes) -> Option<Why> {
    let marks = attributes.of(path);
    let generated = match marks.generated {
        Some(false) => None,
        mark => by_name(path)
            .or_else(|| is_minified(path, file).then_some(Why::Minified))
            .or_else(|| mark.map(|_| Why::Generated)),
    };
    generated.or_else(|| marks.vendored.unwrap_or_else(|| is_vendored(path)).then_some(Why::Vendored))
}

/// Lock files by their exact names, ecosystem by ecosystem.
const LOCK_FILES: [&str; 37] = [
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "bun.lockb",
    "deno.lock",
    "Cargo.lock",
    "Gemfile.lock",
    "gems.locked",
    "composer.lock",
    "poetry.lock",
    "Pipfile.lock",
    "pdm.lock",
    "uv.lock",
    "pixi.lock",
    "pylock.toml",
    "conda-lock.yml",
    "go.sum",
    "go.work.sum",
    "Gopkg.lock",
    "mix.lock",
    "rebar.lock",
    "pubspec.lock",
    "Podfile.lock",
    "Cartfile.resolved",
    "Package.resolved",
    "packages.lock.json",
    "paket.lock",
    "gradle.lockfile",
    "buildscript-gradle.lockfile",
    "flake.lock",
    "Chart.lock",
    ".terraform.lock.hcl",
    "MODULE.bazel.lock",
    "stack.yaml.lock",
    "cabal.project.freeze",
];

/// Ends of names, in lower case, that only tools give: protocol buffers, source generators, source maps.
/// Snapshots of tests are not among them: people read them to see what changes.
const GENERATED_ENDS: [&str; 28] = [
    ".pb.go",
    ".pb.gw.go",
    ".pb.cc",
    ".pb.h",
    ".pb.swift",
    ".pb.dart",
    ".pbobjc.h",
    ".pbobjc.m",
    "_pb2.py",
    "_pb2.pyi",
    "_pb2_grpc.py",
    "_pb.js",
    "_pb.d.ts",
    "_pb.ts",
    "_pb.rb",
    ".pbenum.dart",
    ".pbgrpc.dart",
    ".pbjson.dart",
    ".g.dart",
    ".freezed.dart",
    ".g.cs",
    ".g.i.cs",
    ".designer.cs",
    ".designer.vb",
    ".js.map",
    ".mjs.map",
    ".cjs.map",
    ".css.map",
];

/// The same for what a minifier writes.
const MINIFIED_ENDS: [&str; 5] = [".min.js", ".min.mjs", ".min.cjs", ".min.css", ".min.html"];

fn by_name(path: &str) -> Option<Why> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let lower = name.to_ascii_lowercase();
    let ends = |list: &[&str]| list.iter().any(|end| lower.ends_with(end));
    if LOCK_FILES.contains(&name) {
        Some(Why::LockFile)
    } else if ends(&MINIFIED_ENDS) {
        Some(Why::Minified)
    } else if ends(&GENERATED_ENDS)
        || lower.starts_with("zz_generated.")
        || matches!(name, ".pnp.cjs" | ".pnp.loader.mjs")
    {
        // Kubernetes' generators begin names so, Yarn writes these two.
        Some(Why::Generated)
    } else {
        None
    }
}

/// Folders that package managers fill, and those named after their purpose.
const VENDORED: [&str; 10] = [
    "node_modules",
    "bower_components",
    "third_party",
    "third-party",
    "thirdparty",
    "3rdparty",
    "Pods",
    "Godeps",
    "Carthage",
    "site-packages",
];

/// What Yarn keeps below `.yarn`.
const YARN: [&str; 5] = ["cache", "plugins", "releases", "sdks", "unplugged"];

/// Whether a path lies in somebody else's code. A folder named `vendor` holds it at the root or around folders
/// named after hosts, as Go has them; anywhere else it may be the shop's word for those who sell.
fn is_vendored(path: &str) -> bool {
    let mut folders: Vec<&str> = path.split('/').collect();
    folders.pop();
    let known = folders.iter().any(|folder| VENDORED.contains(folder));
    let at_root = folders.first() == Some(&"vendor");
    known
        || at_root
        || folders.windows(2).any(|pair| match pair {
            ["vendor", host] => host.contains('.'),
            [".yarn", kept] => YARN.contains(kept),
            _ => false,
        })
}

/// Kinds of files that are minified.
const MINIFIABLE: [&str; 8] = ["js", "mjs", "cjs", "css", "html", "htm", "json", "svg"];

/// The median line of a minified file is longer than this, in bytes. Minifiers write one line; nobody else
/// writes most lines so long.
const LONG_LINE: usize = 1_000;

/// Whether the middle one of a file's lines is long, on each side that the diff shows lines of: one long line
/// does not hide a file, and long new lines do not hide a file that was written by hand.
fn is_minified(path: &str, file: &FileDiff) -> bool {
    let Some((_, end)) = path.rsplit_once('.') else { return false };
    // Of a new file nothing tells that it was not written to look so.
    if !MINIFIABLE.contains(&end) || file.status == Status::Added {
        return false;
    }
    let median = |skipped: LineKind| {
        let side = file.lines().filter(|line| line.kind != skipped);
        let mut lengths: Vec<usize> = side.map(|line| line.text.len()).filter(|length| *length > 0).collect();
        lengths.sort_unstable();
        lengths.get(lengths.len() / 2).copied()
    };
    let sides = [median(LineKind::Added), median(LineKind::Deleted)];
    let mut shown = sides.into_iter().flatten().peekable();
    shown.peek().is_some() && shown.all(|length| length > LONG_LINE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::diff;
    use crate::domain::triage::parse;

    /// A file of a diff with these lines, each with its sign.
    fn file(path: &str, lines: &[String]) -> FileDiff {
        let old = lines.iter().filter(|line| !line.starts_with('+')).count();
        let new = lines.iter().filter(|line| !line.starts_with('-')).count();
        let text = format!(
            "diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1,{old} +1,{new} @@\n{}\n",
            lines.join("\n")
        );
        let (diff, problems) = diff::parse(text.into_bytes().into());
        assert_eq!(problems, Vec::<String>::new());
        diff.files.into_iter().next().unwrap()
    }

    fn renamed(from: &str, to: &str) -> FileDiff {
        FileDiff { old_path: Some(from.to_owned()), status: Status::Renamed, ..file(to, &["+x".to_owned()]) }
    }

    fn why(path: &str, attributes: &str) -> Option<&'static str> {
        by_default(&file(path, &["+x".to_owned()]), &parse(attributes).0).map(Why::as_str)
    }

    #[test]
    fn what_tools_write_is_left_out_by_its_name() {
        for (path, expected) in [
            ("Cargo.lock", Some("lock file")),
            ("web/package-lock.json", Some("lock file")),
            ("web/my-package-lock.json", None),
            ("cargo.lock", None),
            ("api/v1/user.pb.go", Some("generated")),
            ("api/user_pb2.py", Some("generated")),
            ("Forms/Main.Designer.cs", Some("generated")),
            ("apis/v1/zz_generated.deepcopy.go", Some("generated")),
            ("public/app.js.map", Some("generated")),
            ("public/app.min.js", Some("minified")),
            ("public/admin.js", None),
            ("src/map.js", None),
            ("src/pb.go", None),
            ("src/snapshots/story.snap", None),
            ("gradlew", None),
        ] {
            assert_eq!(why(path, ""), expected, "{path}");
        }
    }

    #[test]
    fn somebody_elses_code_is_known_by_its_folder() {
        for (path, expected) in [
            ("vendor/autoload.php", true),
            ("services/a/vendor/github.com/x/y.go", true),
            ("src/vendor/invoice.rs", false),
            ("app/vendor/vendor.controller.ts", false),
            ("vendor", false),
            ("src/vendor.rs", false),
            ("web/node_modules/left-pad/index.js", true),
            ("third_party/zlib/inflate.c", true),
            ("ios/Pods/A/a.m", true),
            ("ios/pods/a.m", false),
            (".yarn/releases/yarn-4.cjs", true),
            (".yarn/notes.md", false),
        ] {
            assert_eq!(why(path, ""), expected.then_some("vendored"), "{path}");
        }
    }

    #[test]
    fn attributes_of_the_base_mark_files_and_unset_what_names_mark() {
        assert_eq!(why("src/schema.rs", "src/schema.rs linguist-generated"), Some("generated"));
        assert_eq!(why("lib/x.c", "lib/** linguist-vendored"), Some("vendored"));
        assert_eq!(why("docs/x.c", "docs/** linguist-documentation"), None);
        for path in ["Cargo.lock", "a.pb.go", "a.min.js"] {
            assert_eq!(why(path, "* -linguist-generated"), None, "{path}");
        }
        assert_eq!(why("vendor/a.go", "vendor/** -linguist-vendored"), None);
        assert_eq!(why("vendor/a.pb.go", "vendor/** -linguist-vendored"), Some("generated"));
        assert_eq!(why("vendor/a.pb.go", "vendor/** -linguist-generated"), Some("vendored"));
        assert_eq!(why("a.pb.go", "* -linguist-generated\n*.pb.go !linguist-generated"), Some("generated"));
    }

    #[test]
    fn code_does_not_vanish_by_moving_it() {
        let none = Attributes::default();
        assert_eq!(by_default(&renamed("src/pay.go", "vendor/pay.go"), &none), None);
        assert_eq!(by_default(&renamed("vendor/pay.go", "src/pay.go"), &none), None);
        assert_eq!(by_default(&renamed("vendor/a.go", "vendor/b.go"), &none), Some(Why::Vendored));
        let copied = FileDiff { status: Status::Copied, ..renamed("src/pay.go", "vendor/pay.go") };
        assert_eq!(by_default(&copied, &none), Some(Why::Vendored));
    }

    #[test]
    fn one_long_line_hides_no_file_and_long_new_lines_hide_no_old_file() {
        let none = Attributes::default();
        let long = "x".repeat(5_000);
        let line = |sign: char, text: &str| format!("{sign}{text}");
        let minified =
            |path: &str, lines: &[String]| by_default(&file(path, lines), &none) == Some(Why::Minified);
        assert!(minified("a.js", &[line('+', &long)]));
        assert!(minified("a.js", &[line('+', "/* licence */"), line('+', &long)]));
        assert!(minified("a.css", &[line('-', &long), line('+', &long)]));
        assert!(minified("a.js", &[line('-', &long)]));
        assert!(!minified("a.rs", &[line('+', &long)]));
        assert!(!minified("a.js", &[line('+', "a();"), line('+', &long), line('+', "b();")]));
        assert!(!minified(
            "a.js",
            &[line(' ', "a();"), line('-', "b();"), line('+', &long), line('+', &long)]
        ));
        assert!(!minified("a.js", &[line('-', &long), line('+', "fetch(evil);")]));
    }
}
