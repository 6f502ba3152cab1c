//! Several clients, each with its own channels: topics go from one to the other, and none is missed.

use super::*;
use crate::events::channels::rig::Worlds;
use crate::genesys::call::{CallError, Refusal};
use crate::machine;

/// Two clients, each with what it sees of Genesys.
struct Two {
    a: Arc<World>,
    b: Arc<World>,
    standings: watch::Sender<Vec<Standing>>,
}

impl Two {
    fn new() -> Two {
        let standings = watch::Sender::new(vec![Standing::Well; 2]);
        Two { a: World::at("a.example.test"), b: World::at("b.example.test"), standings }
    }

    fn start(&self, topics: Arc<BTreeSet<Topic>>, copies: usize) -> Trial {
        self.start_with(topics, None, settings(copies, 20))
    }

    fn start_with(
        &self,
        topics: Arc<BTreeSet<Topic>>,
        state_file: Option<PathBuf>,
        settings: config::Channels,
    ) -> Trial {
        let worlds = [&self.a, &self.b].map(Arc::clone);
        let bound = |(world, id): (&Arc<World>, &str)| Bound {
            id: id.to_owned(),
            name: Some(id.into()),
            api: Arc::<World>::clone(world),
        };
        let clients = worlds.iter().zip(["a", "b"]).map(bound).collect();
        let outside = Arc::new(Worlds(worlds.to_vec()));
        let standings = self.standings.subscribe();
        Trial::start_by(clients, standings, outside, topics, (state_file, 4096), settings)
    }

    fn stands(&self, a: Standing, b: Standing) {
        self.standings.send_replace(vec![a, b]);
    }

    /// The topics of the channels of each.
    fn shares(&self) -> [Vec<usize>; 2] {
        [self.a.subscriptions(), self.b.subscriptions()]
    }
}

fn forbidden() -> CallError {
    let missing_permissions = vec!["p".to_owned()];
    CallError::Forbidden(Refusal { status: 403, missing_permissions, ..Refusal::default() })
}

fn none_allowed(told: &[Notice]) -> usize {
    told.iter().filter(|notice| matches!(notice, Notice::NoneAllowed { .. })).count()
}

#[tokio::test(start_paused = true)]
async fn channels_are_shared_out_and_each_client_has_twenty() {
    let two = Two::new();
    let mut trial = two.start(users(0..2500), 1);
    trial.up(3).await;
    assert_eq!(two.shares(), [vec![1000, 500], vec![1000]]);
    trial.topics.send_replace(users(0..38_001));
    trial.up(38).await;
    seconds(5).await;
    let state = trial.state.borrow().clone();
    assert_eq!((state.topics_permitted, state.topics_without_room), (38_000, 1));
    assert_eq!((two.a.channels(), two.b.channels()), (19, 19));
}

#[tokio::test(start_paused = true)]
async fn copies_are_with_different_clients() {
    let _playing = machine::play(1, "2026-11-22T12:00:00Z".parse().unwrap());
    let two = Two::new();
    let mut trial = two.start(users(0..900), 2);
    trial.up(2).await;
    assert_eq!(two.shares(), [vec![900], vec![900]]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_hands_its_topics_over_before_it_leaves_them() {
    let _playing = machine::play(1, "2026-11-22T12:00:00Z".parse().unwrap());
    let two = Two::new();
    let mut trial = two.start(users(0..2500), 1);
    trial.up(3).await;
    seconds(1).await;
    trial.told();
    // Its calls fail, too, as they would.
    for operation in ["subscribe", "unsubscribe", "create_channel", "head_channel"] {
        two.a.fail(operation, vec![CallError::Credentials("no".to_owned()); 1000]);
    }
    two.stands(Standing::Refused, Standing::Well);
    minutes(1).await;
    trial.up(3).await;
    assert_eq!(two.b.subscriptions(), [1000, 1000, 500]);
    assert_eq!((two.a.connected().len(), trial.gaps()), (0, vec![]));
    assert_eq!(trial.state.borrow().topics_permitted, 2500);
    assert_eq!(trial.state.borrow().oldest_gap, None);
    // It works again: what has a place keeps it, and what comes is shared out.
    for operation in ["subscribe", "unsubscribe", "create_channel", "head_channel"] {
        two.a.succeed(operation);
    }
    two.stands(Standing::Well, Standing::Well);
    trial.topics.send_replace(users(0..4500));
    trial.up(5).await;
    seconds(1).await;
    assert_eq!(two.shares(), [vec![1000, 500], vec![1000, 1000, 1000]]);
    assert_eq!(trial.gaps(), [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn without_room_elsewhere_a_refused_client_keeps_what_it_carries() {
    let _playing = machine::play(1, "2026-11-22T12:00:00Z".parse().unwrap());
    let two = Two::new();
    let mut trial = two.start_with(users(0..4000), None, settings(1, 3));
    trial.up(4).await;
    seconds(1).await;
    trial.told();
    two.stands(Standing::Refused, Standing::Well);
    minutes(5).await;
    assert_eq!(two.shares(), [vec![1000, 1000], vec![1000, 1000]]);
    assert_eq!((trial.gaps(), trial.state.borrow().topics_without_room), (vec![], 0));
}

#[tokio::test(start_paused = true)]
async fn what_one_is_refused_the_other_is_asked_for() {
    let _playing = machine::play(1, "2026-11-22T12:00:00Z".parse().unwrap());
    let two = Two::new();
    // The whole list of one, a topic of the other.
    two.a.fail("subscribe", vec![forbidden(); 3]);
    two.b.reject("v2.users.u00007.conversations");
    let mut trial = two.start(users(0..10), 1);
    trial.up(1).await;
    minutes(2).await;
    let state = trial.state.borrow().clone();
    assert_eq!((state.topics_permitted, state.topics_rejected), (9, 1), "{state:?}");
    assert_eq!((none_allowed(&trial.told()), two.b.subscriptions()), (0, vec![9]));
    trial.stop().await;
    // Refused by both: that is said, once both have said it.
    let two = Two::new();
    for world in [&two.a, &two.b] {
        world.fail("subscribe", vec![forbidden(); 1000]);
    }
    let mut trial = two.start(users(0..10), 1);
    minutes(2).await;
    assert_eq!(none_allowed(&trial.told()), 1);
    assert!(two.a.count("subscribe") > 0 && two.b.count("subscribe") > 0);
}

#[tokio::test(start_paused = true)]
async fn one_that_rests_keeps_what_it_carries_and_gets_nothing_new() {
    let _playing = machine::play(1, "2026-11-22T12:00:00Z".parse().unwrap());
    let two = Two::new();
    let mut trial = two.start(users(0..900), 1);
    trial.up(1).await;
    seconds(1).await;
    trial.told();
    two.stands(
        Standing::Resting { until: Instant::now() + Duration::from_secs(3600) },
        Standing::Well,
    );
    trial.topics.send_replace(users(0..950));
    trial.up(2).await;
    seconds(1).await;
    assert_eq!(two.shares(), [vec![900], vec![50]]);
    // Its socket goes, and it may not even ask for another.
    two.a.hang_up(true);
    let id = two.a.connected()[0].clone();
    two.a.drop_socket(&id);
    trial.down_to(1).await;
    minutes(1).await;
    assert_eq!(two.b.subscriptions(), [950]);
    assert_eq!((trial.gaps(), trial.state.borrow().oldest_gap), (vec![900], None));
}

#[tokio::test(start_paused = true)]
async fn each_clients_channels_are_kept_for_it() {
    let two = Two::new();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("channels.json");
    for _ in 0..3 {
        let mut trial = two.start_with(users(0..2500), Some(file.clone()), settings(1, 20));
        trial.up(3).await;
        assert!(trial.stop().await < Duration::from_secs(5));
    }
    assert_eq!((two.a.count("create_channel"), two.b.count("create_channel")), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_revoked_token_is_one_clients() {
    let two = Two::new();
    let mut trial = two.start(users(0..1500), 1);
    trial.up(2).await;
    trial.told();
    two.b.tell_all(system("token_revoked.x")).await;
    seconds(1).await;
    let told = trial.told();
    let of = |notice: &Notice| match notice {
        Notice::TokenRevoked { client, .. } => Some(*client),
        Notice::Ready { .. }
        | Notice::Gap { .. }
        | Notice::Rejected { .. }
        | Notice::NoneAllowed { .. } => None,
    };
    assert_eq!(told.iter().filter_map(of).collect::<Vec<_>>(), [1]);
}
