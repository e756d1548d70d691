//! Which files of a pull request are read, and which of them first.
//!
//! Only two things leave a file out: its name, and the `.gitattributes` of the base branch. What the pull
//! request itself writes decides nothing: an own `.gitattributes`, an `@generated` or a `DO NOT EDIT` in a file
//! would let its author hide code from review. A name is the author's choice too, but people see it: every file
//! that is left out is listed. The one rule that looks at lines, for minified code, believes a changed file only
//! if the version before was minified as well.

mod attributes;
mod binary;
mod left_out;
mod risk;
mod strategy;

pub use attributes::{Attributes, Marks, parse};
pub use binary::{is_binary_by_name, is_code_by_name};
pub use left_out::{Why, left_out};
pub use risk::{Risk, risk};
pub use strategy::{is_documentation, strategy};
