//! Whatever lies where the journal should be: it is opened or refused with a message, and what is
//! refused is left as it is. Where it is opened, one more batch can be written and is there at the
//! next opening, or an error says why not; and what it held does not stop the updates that take it
//! over.
//!
//! The first byte of an input says what the others are: `f` a file as it is (and zeros up to a
//! whole number of pages); `d` or `u` damage to a journal that was closed, or was not: offset (three
//! bytes), length (one; 0 cuts the file there), bytes, and so on; anything else rows, a line for
//! each: table, key, key, JSON, with tabs in between.
//!
//! A panic of redb is not one of ours: the store has to turn it into an error. Each place is told
//! once.

#![no_main]

use std::collections::BTreeSet;
use std::io;
use std::panic;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use attributed::config::Config;
use attributed::genesys::call::{Answer, Api, Call, CallError, Class, Permit};
use attributed::genesys::{ConversationId, ParticipantId};
use attributed::status::pulse::Pulse;
use attributed::updates::calendar::Calendar;
use attributed::updates::dispatcher::{Dispatcher, Joints};
use attributed::updates::foresight::Outlook;
use attributed::updates::journal::{Changes, Journal, Pending, Place, Recovered, Store};
use attributed::updates::push::{Parcel, Push, Pushed};
use attributed::updates::settings::Settings;
use attributed::updates::story::Story;
use attributed::updates::traces::Traces;
use futures::future::{BoxFuture, ready};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use redb::{Builder, StorageBackend, TableDefinition};
use tokio::runtime;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

/// No journal here needs as much.
const LARGEST: u64 = 64 << 20;
const PAGE: usize = 4096;
/// Where the header tells how many pages the file has.
const PAGES: std::ops::Range<usize> = 24..32;
/// So long the updates run with what they took over: beyond all that is to be done then.
const RUN: Duration = Duration::from_secs(300);

type Rows = TableDefinition<'static, (&'static str, &'static str), &'static [u8]>;
const PENDING: Rows = TableDefinition::new("pending");
const MEMORY: Rows = TableDefinition::new("memory");
const META: TableDefinition<'static, &'static str, i64> = TableDefinition::new("meta");
const LETTERS: TableDefinition<'static, u64, &'static [u8]> = TableDefinition::new("letters");

/// A row of what waits.
const WAITS: &str = r#"{"keys":{"k":{"value":"v","rule":"r","digest":1,"rules_hash":2,"write":"follow","during_flow":true,"urgent":false,"offered_at":1,"changed_at":2,"useless_at":null,"generation":1}},"uncertain":{"k":["a"]}}"#;

static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// The images of a journal that was closed, and of one that was not.
static JOURNALS: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    let ours = panic::take_hook();
    panic::set_hook(Box::new(move |what| {
        let place = what.location().map_or_else(String::new, ToString::to_string);
        if !place.contains("/redb-") {
            ours(what);
        }
        if lock(&TOLD).insert(place.clone()) {
            eprintln!("contained: {place}");
        }
    }));
    let disk = Disk::default();
    let mut store = Store::on(disk.clone()).expect("it is new");
    for n in 0..40 {
        store.commit(&batch(n)).expect("there is room");
    }
    let open = disk.image().clone();
    drop(store);
    [disk.image().clone(), open]
});

static SETTINGS: LazyLock<Settings> = LazyLock::new(|| {
    let text = "rules = \"rules.toml\"\n[genesys]\nregion = \"mypurecloud.de\"\nclient_id = \"id\"\n\
                client_secret_file = \"secret\"\n[watch]\nall_users = true\n";
    let parsed = Config::parse(Path::new("attributed.toml"), text, &|_| None);
    let (config, ..) = parsed.expect("the configuration is right");
    Settings::new(&config, Arc::new(|_| true))
});

fuzz_target!(|input: &[u8]| {
    let [closed, open] = &*JOURNALS;
    let (what, rest) = input.split_first().unwrap_or((&b'r', &[]));
    match what {
        b'f' => {
            let mut image = rest.to_vec();
            image.resize(rest.len().next_multiple_of(PAGE), 0);
            look(image);
        }
        b'd' => look(damaged(closed.clone(), rest)),
        b'u' => look(damaged(open.clone(), rest)),
        _ => look(with_rows(closed.clone(), &String::from_utf8_lossy(rest))),
    }
});

fn batch(n: i64) -> Changes {
    let place: Place = (ConversationId::new(&format!("c{}", n % 7)), ParticipantId::new("p"));
    let row: Pending = serde_json::from_str(WAITS).expect("it is a row");
    let mut changes = Changes::default();
    changes.pending(place, Some(row));
    changes.good_until(n);
    changes
}

fn damaged(mut image: Vec<u8>, mut damage: &[u8]) -> Vec<u8> {
    while let [a, b, c, length, rest @ ..] = damage {
        let at = u32::from_le_bytes([*a, *b, *c, 0]) as usize;
        let length = usize::from(*length).min(rest.len());
        if length == 0 {
            image.truncate(at);
        } else if let Some(bytes) = image.get_mut(at..at + length) {
            bytes.copy_from_slice(&rest[..length]);
        }
        damage = &rest[length..];
    }
    image
}

fn with_rows(image: Vec<u8>, text: &str) -> Vec<u8> {
    let disk = Disk::holding(image);
    let database = Builder::new().create_with_backend(disk.clone()).expect("it is whole");
    let write = database.begin_write().expect("there is room");
    for line in text.lines() {
        let fields: Vec<&str> = line.splitn(4, '\t').collect();
        let [table, first, second, json] = fields[..] else { continue };
        match table {
            "pending" | "memory" => {
                let table = if table == "pending" { PENDING } else { MEMORY };
                let mut table = write.open_table(table).expect("it is there");
                table.insert((first, second), json.as_bytes()).expect("there is room");
            }
            "letters" => {
                let mut table = write.open_table(LETTERS).expect("it can be made");
                let number = first.parse().unwrap_or(u64::MAX);
                table.insert(number, json.as_bytes()).expect("there is room");
            }
            _ => {
                let mut table = write.open_table(META).expect("it is there");
                table.insert(first, second.parse().unwrap_or(i64::MIN)).expect("there is room");
            }
        }
    }
    write.commit().expect("there is room");
    drop(database);
    disk.image().clone()
}

fn look(image: Vec<u8>) {
    let disk = Disk::holding(image.clone());
    let recovered = match Store::on(disk.clone()) {
        Ok(store) => store.recover().map(|recovered| (store, recovered)),
        Err(error) => {
            let (mut after, mut before) = (disk.image().clone(), image);
            // Of a file that was cut off the database tells, in its header, how many pages there are.
            for it in [&mut after, &mut before] {
                it.get_mut(PAGES).into_iter().for_each(|pages| pages.fill(0));
            }
            assert!(after == before, "what is refused is left as it is: {error}");
            Err(error)
        }
    };
    let (mut store, recovered) = match recovered {
        Ok(recovered) => recovered,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let changes = batch(i64::MAX);
    if store.commit(&changes).is_ok() {
        drop(store);
        let again = Store::on(disk.clone()).and_then(|store| store.recover());
        let again = again.expect("what was written can be read");
        assert_eq!(again.good_until, Some(i64::MAX));
        take_over(disk, recovered);
    }
}

/// Starts the updates with it, and ends them.
fn take_over(disk: Disk, recovered: Recovered) {
    let runtime = runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime can be made").block_on(async {
        let again = disk.clone();
        let (journal, _) =
            Journal::inline(Box::new(move || Store::on(again.clone()))).expect("it is not locked");
        let (input, inputs) = mpsc::channel(1);
        let (asks, mut asked) = mpsc::channel(1_024);
        let now = Timestamp::from_second(1_700_000_000).expect("it is a moment");
        let dispatcher = Dispatcher::new(Joints {
            input: inputs,
            asks,
            api: Arc::new(Nobody),
            push: Arc::new(Nobody),
            settings: SETTINGS.clone(),
            orders: watch::channel(Arc::default()).1,
            outlook: watch::channel(Outlook::default()).0,
            journal,
            recovered,
            calendar: Calendar::new(Instant::now(), now),
            story: Story::default(),
            traces: Traces::default(),
            counts: Arc::default(),
            beat: Pulse::default().add("updates"),
            seed: 1,
        });
        let end = async {
            sleep(RUN).await;
            drop(input);
            while asked.recv().await.is_some() {}
        };
        let (_ended, ()) = tokio::join!(dispatcher.run(), end);
    });
    let left = Store::on(disk).and_then(|store| store.recover());
    left.expect("what the updates wrote can be read");
}

/// Accepts everything.
struct Nobody;

impl Push for Nobody {
    fn push<'a>(
        &'a self,
        _permit: Permit,
        _conversation: &'a ConversationId,
        _participant: &'a ParticipantId,
        _parcel: Parcel,
    ) -> BoxFuture<'a, Result<Pushed, CallError>> {
        Box::pin(ready(Ok(Pushed {
            status: 202,
            correlation_id: None,
            before: None,
            restored: Vec::new(),
        })))
    }
}

impl Api for Nobody {
    fn permit(&self, class: Class) -> BoxFuture<'_, Permit> {
        Box::pin(ready(Permit::of(class)))
    }

    fn call_with(&self, _permit: Permit, call: Call) -> BoxFuture<'_, Result<Answer, CallError>> {
        let reason = "nobody answers".to_owned();
        Box::pin(ready(Err(CallError::Unreadable { operation: call.operation, reason })))
    }
}

/// A disk in memory; copies are the same disk.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<Vec<u8>>>);

impl Disk {
    fn holding(image: Vec<u8>) -> Disk {
        Disk(Arc::new(Mutex::new(image)))
    }

    fn image(&self) -> MutexGuard<'_, Vec<u8>> {
        lock(&self.0)
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.image().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let at = usize::try_from(offset).map_err(io::Error::other)?;
        let end = at.checked_add(out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        let image = self.image();
        out.copy_from_slice(image.get(at..end).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if len > LARGEST {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.image().resize(usize::try_from(len).map_err(io::Error::other)?, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let at = usize::try_from(offset).map_err(io::Error::other)?;
        let end = at.checked_add(data.len()).ok_or(io::ErrorKind::StorageFull)?;
        let mut image = self.image();
        image.get_mut(at..end).ok_or(io::ErrorKind::UnexpectedEof)?.copy_from_slice(data);
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
