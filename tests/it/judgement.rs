//! When a run was right: what the simulator says of it, and its request log.

use attributed::simulator::world::World;

use super::simulated::Simulated;

/// The media, under the names that participants keep their communications under. A callback also
/// has calls, and so comes first.
pub(crate) const MEDIA: [&str; 4] = ["callbacks", "emails", "messages", "calls"];

/// Says what is wrong with what the daemon did, if anything.
pub(crate) fn judge(simulated: &Simulated) -> Result<(), String> {
    let verdict = simulated.verdict();
    println!(
        "{} of {} right, {} excused, {} writes",
        verdict.right,
        verdict.concerned,
        verdict.excused,
        simulated.accepted().len()
    );
    if !verdict.is_right() {
        return Err(format!("attributes are wrong: {verdict:#?}"));
    }
    if verdict.redundant_writes > 0 {
        return Err(format!("{} writes changed nothing", verdict.redundant_writes));
    }
    let overlaps = simulated.overlaps();
    if !overlaps.is_empty() {
        return Err(format!("writes to one participant at the same time: {overlaps:?}"));
    }
    let hung_up = simulated.hung_up();
    if !hung_up.is_empty() {
        return Err(format!("participants were disconnected: {hung_up:?}"));
    }
    Ok(())
}

/// The medium of a conversation.
pub(crate) fn medium(world: &World, conversation: &str) -> Option<&'static str> {
    let body = world.generic_body(conversation)?;
    let parties = body["participants"].as_array()?;
    let has = |medium: &str| {
        parties.iter().any(|party| party[medium].as_array().is_some_and(|legs| !legs.is_empty()))
    };
    MEDIA.into_iter().find(|medium| has(medium))
}

/// The users of a conversation.
pub(crate) fn users_of(world: &World, conversation: &str) -> Vec<String> {
    let body = world.generic_body(conversation).unwrap_or_default();
    let parties = body["participants"].as_array().into_iter().flatten();
    parties.filter_map(|party| party["userId"].as_str().map(str::to_owned)).collect()
}
