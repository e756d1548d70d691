//! The rooms of Counterpoint where bytes from outside are read, without those that are heavy to build.

#[path = "../src/domain/mod.rs"]
pub mod domain;

/// Of the adapters, the readers alone.
#[path = "../src/adapters"]
pub mod adapters {
    pub mod actions;

    pub mod providers {
        pub mod sse;
    }
}
