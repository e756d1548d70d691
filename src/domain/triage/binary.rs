//! Which files are not text, going by their names.

/// Extensions of formats that are never text. A file that is called binary and has none of them is looked into.
const FORMATS: [&str; 91] = [
    "7z",
    "a",
    "ai",
    "apk",
    "avi",
    "avif",
    "bin",
    "bmp",
    "bz2",
    "cer",
    "class",
    "cur",
    "db",
    "der",
    "dll",
    "dmg",
    "doc",
    "docx",
    "dylib",
    "ear",
    "eot",
    "exe",
    "fbx",
    "fig",
    "flac",
    "gem",
    "gif",
    "glb",
    "gz",
    "h5",
    "heic",
    "icns",
    "ico",
    "ipa",
    "iso",
    "jar",
    "jks",
    "jpeg",
    "jpg",
    "keystore",
    "lib",
    "lz4",
    "m4a",
    "mid",
    "mo",
    "mov",
    "mp3",
    "mp4",
    "mpg",
    "npy",
    "npz",
    "nupkg",
    "o",
    "odt",
    "ogg",
    "onnx",
    "otf",
    "p12",
    "parquet",
    "pdb",
    "pdf",
    "pfx",
    "pickle",
    "pkl",
    "png",
    "ppt",
    "pptx",
    "psd",
    "pyc",
    "rar",
    "safetensors",
    "so",
    "sqlite",
    "tar",
    "tgz",
    "tif",
    "tiff",
    "ttf",
    "war",
    "wasm",
    "wav",
    "webm",
    "webp",
    "whl",
    "woff",
    "woff2",
    "xls",
    "xlsx",
    "xz",
    "zip",
    "zst",
];

/// Whether a path names a format that is never text.
#[must_use]
pub fn is_binary_by_name(path: &str) -> bool {
    FORMATS.contains(&extension(path).as_str())
}

/// Extensions of languages that people write.
const LANGUAGES: [&str; 57] = [
    "asm", "bash", "bat", "c", "cc", "cjs", "clj", "cpp", "cs", "css", "cxx", "dart", "erl", "ex", "exs",
    "fs", "go", "groovy", "h", "hpp", "hs", "html", "java", "jl", "js", "jsx", "kt", "kts", "lua", "m",
    "mjs", "ml", "mm", "nim", "php", "pl", "pm", "ps1", "py", "r", "rb", "rs", "scala", "scss", "sh", "sol",
    "sql", "svelte", "swift", "tf", "ts", "tsx", "vb", "vue", "yaml", "yml", "zig",
];

/// Whether a path names a language that people write: content that is not text is odd there.
#[must_use]
pub fn is_code_by_name(path: &str) -> bool {
    LANGUAGES.contains(&extension(path).as_str())
}

fn extension(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_and_archives_are_binary_and_code_is_not() {
        for path in ["logo.PNG", "a/b/lib.so", "x.tar.zst", "fonts/a.woff2"] {
            assert!(is_binary_by_name(path), "{path}");
        }
        for path in ["src/auth.rs", "Makefile", "png", "a.png/b", "x.svg", ".key.ts"] {
            assert!(!is_binary_by_name(path), "{path}");
        }
    }
}
