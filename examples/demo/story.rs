//! The pull request of the demo, made by git, and what the two reviewers say about it.
//!
//! It has three bugs. Both reviewers see the first, one sees the second and the other confirms it, and about the third
//! they contradict each other; who is right there can be read in the diff.

use std::time::Duration;

use crate::world::{Answer, Pull, Reply, Usage, World, challenge, clearance, finding, reply};

const TITLE: &str = "Keep permissions in memory for half a minute";
const BODY: &str = "Every request reads the permissions of its user from the database, and that is most of the \
    database's load. This keeps them in memory for 30 seconds, and reads them with one query instead of three.";

/// Puts the pull request and both scripts into a world, and returns the number of the pull request.
pub fn set(world: &World) -> u64 {
    let pull = Pull::from_git(
        |repo| {
            for file in FILES.iter().filter(|file| !file.before.is_empty()) {
                repo.write(file.path, file.before);
            }
        },
        |repo| {
            for file in &FILES {
                repo.write(file.path, file.after());
            }
        },
    );
    let pull = pull.number(128).title(TITLE).body(BODY).branches("main", "permissions-in-memory");
    let number = world.add(pull);
    world.claude().answers(answer(claude(), 1_450, Usage::new(5_212, 2_934).reasoning(2_210)));
    let confirmed = reply([]).challenges([challenge(
        "A failed query loses its connection",
        "confirmed",
        "`?` returns before the connection is given back, and nothing else gives it back.",
        "src/store.rs",
        QUERY,
    )]);
    world.claude().challenges(answer(confirmed, 900, Usage::new(5_480, 1_210).reasoning(820)));
    world.codex().answers(answer(codex(), 1_720, Usage::new(4_968, 3_387).reasoning(2_745)));
    number
}

fn answer(reply: Reply, milliseconds: u64, usage: Usage) -> Answer {
    Answer::reply(reply).usage(usage).after(Duration::from_millis(milliseconds))
}

const EXPIRY: &str = "    !token.revoked && token.expires_at >= now";
const KEY: &str = "    let key = format!(\"user/{}\", token.user);";
const QUERY: &str = "        let rows = connection.query(PERMISSIONS, &[tenant, user])?;";

fn claude() -> Reply {
    reply([
        finding("src/auth.rs", line("src/auth.rs", EXPIRY), EXPIRY)
            .title("A token is accepted in the second it expires")
            .body("`>=` lets a token pass at `expires_at` itself. Before, `now < token.expires_at` did not.")
            .scenario("A token that expires at 12:00:00 still opens the account at 12:00:00.")
            .severity("high")
            .category("security")
            .confidence(92)
            .suggestion("    !token.revoked && now < token.expires_at"),
        finding("src/auth.rs", line("src/auth.rs", KEY), KEY)
            .title("The tenant is missing from the cache key")
            .body(
                "The key holds only the user's number, and `server.rs` makes one cache for everybody, under the \
                 default tenant.",
            )
            .scenario("User 7 of one tenant gets the permissions of user 7 of another for 30 seconds.")
            .severity("high")
            .category("security")
            .confidence(84)
            .evidence("src/server.rs", "    let cache = Cache::for_tenant(&config.default_tenant);"),
    ])
}

fn codex() -> Reply {
    let release = line("src/store.rs", "release(connection)");
    let prefix = line("src/cache.rs", "prefix: format!");
    reply([
        finding("src/auth.rs", line("src/auth.rs", EXPIRY), EXPIRY)
            .title("Expired token passes at the boundary")
            .body(
                "The comparison was `now < token.expires_at` and is now `token.expires_at >= now`: a token is still \
                 live when both are equal.",
            )
            .scenario("A request in the very second of the expiry is let in.")
            .severity("medium")
            .category("security")
            .confidence(88),
        finding("src/store.rs", line("src/store.rs", QUERY), QUERY)
            .title("A failed query loses its connection")
            .body(&format!(
                "`?` returns before `release` on line {release}. `with` gave the connection back on every path; this \
                 gives it back on one."
            ))
            .scenario("Each failed query takes one connection out of the pool. When it is empty, every request waits.")
            .severity("high")
            .category("resources")
            .confidence(90),
    ])
    .clears([clearance(
        "src/auth.rs",
        KEY,
        &format!(
            "`Cache::for_tenant` puts the tenant in front of every key (`cache.rs:{prefix}`), so two tenants never \
             share one."
        ),
    )])
}

/// The number of the line of the new version that holds this text.
fn line(path: &str, text: &str) -> i64 {
    let file = FILES.iter().find(|file| file.path == path).map(File::after).unwrap_or_default();
    let above = file.lines().position(|line| line.contains(text));
    above.and_then(|above| i64::try_from(above + 1).ok()).unwrap_or_default()
}

/// A file before the pull request, and what it changes in it.
struct File {
    path: &'static str,
    before: &'static str,
    changes: &'static [(&'static str, &'static str)],
}

impl File {
    fn after(&self) -> String {
        self.changes.iter().fold(self.before.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{} does not hold {from:?}", self.path);
            text.replacen(from, to, 1)
        })
    }
}

const FILES: [File; 4] = [
    File {
        path: "src/auth.rs",
        before: r"//! Who asks, and what they may do.

use crate::server::Server;
use crate::store::Permissions;
use crate::token::Token;
use crate::{Error, Timestamp};

/// What the holder of a token may do.
pub fn authorize(server: &Server, token: &Token, now: Timestamp) -> Result<Permissions, Error> {
    if !is_live(token, now) {
        return Err(Error::SignInAgain);
    }
    server.store.permissions(&token.tenant, token.user)
}

/// Whether a token may still be used.
fn is_live(token: &Token, now: Timestamp) -> bool {
    now < token.expires_at && !token.revoked
}
",
        changes: &[
            (
                "    server.store.permissions(&token.tenant, token.user)\n",
                "    let key = format!(\"user/{}\", token.user);
    server.cache.get(&key, || server.store.permissions(&token.tenant, token.user))\n",
            ),
            ("    now < token.expires_at && !token.revoked", EXPIRY),
        ],
    },
    File {
        path: "src/cache.rs",
        before: "",
        changes: &[(
            "",
            r#"//! What was read a moment ago and need not be read again.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::store::Permissions;
use crate::{Error, Tenant};

const FRESH: Duration = Duration::from_secs(30);

pub struct Cache {
    prefix: String,
    entries: Mutex<HashMap<String, (Instant, Permissions)>>,
}

impl Cache {
    pub fn for_tenant(tenant: &Tenant) -> Self {
        Self { prefix: format!("{tenant}/"), entries: Mutex::default() }
    }

    /// What is known, or else what is read.
    pub fn get(
        &self,
        key: &str,
        read: impl FnOnce() -> Result<Permissions, Error>,
    ) -> Result<Permissions, Error> {
        let key = format!("{}{key}", self.prefix);
        if let Some((at, known)) = self.entries.lock()?.get(&key)
            && at.elapsed() < FRESH
        {
            return Ok(known.clone());
        }
        let fresh = read()?;
        self.entries.lock()?.insert(key, (Instant::now(), fresh.clone()));
        Ok(fresh)
    }
}
"#,
        )],
    },
    File {
        path: "src/server.rs",
        before: r"//! What all requests share.

use crate::store::Store;
use crate::{Config, Error};

pub struct Server {
    pub store: Store,
}

impl Server {
    pub fn start(config: &Config) -> Result<Self, Error> {
        let store = Store::open(&config.database)?;
        Ok(Self { store })
    }
}
",
        changes: &[
            ("use crate::store::Store;", "use crate::cache::Cache;\nuse crate::store::Store;"),
            ("    pub store: Store,\n", "    pub cache: Cache,\n    pub store: Store,\n"),
            (
                "        Ok(Self { store })",
                "        let cache = Cache::for_tenant(&config.default_tenant);
        Ok(Self { cache, store })",
            ),
        ],
    },
    File {
        path: "src/store.rs",
        before: r"//! What stands in the database.

use crate::pool::Pool;
use crate::{Error, Grants, Tenant, UserId};

pub struct Store {
    pool: Pool,
}

impl Store {
    /// What a user may do, by their own grants and those of their groups.
    pub fn permissions(&self, tenant: &Tenant, user: UserId) -> Result<Permissions, Error> {
        self.pool.with(|connection| {
            let own = connection.grants(tenant, user)?;
            let groups = connection.groups(tenant, user)?;
            let theirs = connection.grants_of_groups(tenant, &groups)?;
            Ok(Permissions::new(own, theirs))
        })
    }
}

#[derive(Clone)]
pub struct Permissions {
    grants: Grants,
}
",
        changes: &[
            (
                "use crate::{Error, Grants, Tenant, UserId};\n",
                "use crate::{Error, Grants, Tenant, UserId};

const PERMISSIONS: &str = \"SELECT * FROM grants_of_user($1, $2)\";\n",
            ),
            (
                "        self.pool.with(|connection| {
            let own = connection.grants(tenant, user)?;
            let groups = connection.groups(tenant, user)?;
            let theirs = connection.grants_of_groups(tenant, &groups)?;
            Ok(Permissions::new(own, theirs))
        })\n",
                "        let connection = self.pool.acquire()?;
        let rows = connection.query(PERMISSIONS, &[tenant, user])?;
        let permissions = Permissions::from_rows(&rows);
        self.pool.release(connection);
        Ok(permissions)\n",
            ),
        ],
    },
];
