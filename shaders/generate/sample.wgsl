// Draws the next token of each row's slot from softmax(logits / T) by inverse CDF with a Philox uniform, or takes the argmax
// at T = 0 (the lowest id wins ties). Writes the token and its log-probability, and advances the slot: position, count, stop.
// A repetition penalty (Keskar 2019) first divides the positive logits of tokens that the context holds by it, and multiplies the negative ones.
// Only tokens with e = exp((logit - max) / T) of at least a threshold can be drawn. top_k sets the largest threshold that at least top_k tokens
// reach; top_p then the largest whose tokens hold top_p of their mass (nucleus sampling, Holtzman 2020); min_p is a threshold itself.
// Tokens with equal e are all drawable or none of them is.
// The kernel does not search for the nucleus: a drawn token lies in it if the tokens with a larger e hold less than top_p. If they hold more,
// the next uniform draws among them. One pass over the row checks a token, and a share top_p of draws succeeds at once.
// The log-probability is that under temperature alone.
// logits: [R, COLUMNS], of which V columns are tokens. row_slots: [R], NO_SLOT: nothing to draw.
// slot_state: [SLOTS, SLOT_WORDS] words (common/slot_state.wgsl), then [SLOTS, SEEN] words: bit t % 32 of word t / 32 is set where the context
//   holds token t. SEEN = 0: no such words, no penalty.
// out_tokens: [SLOTS, LIMIT, 2] = id, log-probability (f32) of the k-th new token, k < LIMIT. Constants: V, COLUMNS, LIMIT, SEEN.
// One workgroup takes a row and each lane a run of its tokens; sums are taken in lane order. Every long function is called at one place,
// inside the loop over stages: compilers write calls out, and the text is long enough once.
// #include "flat"
// #include "philox"
// #include "slot_state"
struct Params { rows: u32, seen_at: u32 }
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> row_slots: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> slot_state: array<u32>;
@group(0) @binding(4) var<storage, read_write> ids: array<u32>;
@group(0) @binding(5) var<storage, read_write> positions: array<u32>;
@group(0) @binding(6) var<storage, read_write> slots: array<u32>;
@group(0) @binding(7) var<storage, read_write> out_tokens: array<vec2u>;
@group(0) @binding(8) var<uniform> params: Params;

const LANES = 128u;
const STRIDE = (V + LANES - 1u) / LANES;
var<workgroup> lane_value: array<f32, LANES>;
var<workgroup> lane_index: array<u32, LANES>;
var<workgroup> lane_sum: array<f32, LANES>;
var<workgroup> is_active: u32;
/// 1 / temperature, penalty, min_p, top_p.
var<workgroup> settings: vec4f;
var<workgroup> top_k: u32;
var<workgroup> largest: f32;
var<workgroup> largest_at: u32;
/// The newest draw, its e, and whether it lies in the nucleus.
var<workgroup> drawn: u32;
var<workgroup> drawn_e: f32;
var<workgroup> is_drawn: u32;

/// What the lanes of a row share.
struct Row { at: u32, seen_at: u32, first: u32, end: u32, lane: u32, scale: f32, penalty: f32, m: f32 }

/// The logit after the penalty, divided by the temperature.
fn value(row: Row, token: u32) -> f32 {
  var z = logits[row.at + token];
  if (SEEN > 0u && row.penalty != 1.0 && ((slot_state[row.seen_at + token / 32u] >> (token % 32u)) & 1u) == 1u) {
    z = select(z * row.penalty, z / row.penalty, z > 0.0);
  }
  return z * row.scale;
}
fn likelihood(row: Row, token: u32) -> f32 { return exp(value(row, token) - row.m); }

/// Sets `largest` to the row's largest value and `largest_at` to the first token that has it.
fn find_largest(row: Row) {
  var best = -3e38;
  var best_index = V;
  for (var i = row.first; i < row.end; i++) {
    let z = value(row, i);
    if (z > best) { best = z; best_index = i; }
  }
  lane_value[row.lane] = best;
  lane_index[row.lane] = best_index;
  workgroupBarrier();
  if (row.lane == 0u) {
    largest = lane_value[0];
    largest_at = lane_index[0];
    for (var i = 1u; i < LANES; i++) {
      if (lane_value[i] > largest) { largest = lane_value[i]; largest_at = lane_index[i]; }
    }
  }
}

/// Mass (the sum of e) of the tokens that reach a threshold. Leaves each lane's share in lane_sum.
fn mass_of(row: Row, threshold: f32) -> f32 {
  var mass = 0.0;
  for (var i = row.first; i < row.end; i++) {
    let e = likelihood(row, i);
    mass += select(0.0, e, e >= threshold);
  }
  workgroupBarrier();
  lane_sum[row.lane] = mass;
  workgroupBarrier();
  var total = 0.0;
  for (var i = 0u; i < LANES; i++) { total += lane_sum[i]; }
  return total;
}

const STEPS = 15u;
var<workgroup> lane_reached: array<f32, LANES * STEPS>;
var<workgroup> reached: array<f32, STEPS>;
var<workgroup> found_bits: u32;

/// The largest threshold in (0, 1] that at least `goal` tokens reach. Positive floats are ordered as their bits are, so each pass over the row
/// tries 15 thresholds and settles four bits.
fn threshold_of(row: Row, goal: f32) -> f32 {
  var bits = 0u;
  for (var shift = 28; shift >= 0; shift -= 4) {
    // #repeat s 15
    let threshold{s} = bitcast<f32>(min(bits + (({s}u + 1u) << u32(shift)), 0x3f800001u));
    var sum{s} = 0.0;
    // #end
    for (var i = row.first; i < row.end; i += 4u) {
      // Four tokens at a time keep the loop short; those past the run count nothing.
      // #repeat j 4
      let e{j} = select(0.0, likelihood(row, min(i + {j}u, V - 1u)), i + {j}u < row.end);
      // #end
      let e = vec4f(e0, e1, e2, e3);
      // #repeat s 15
      sum{s} += dot(select(vec4f(), vec4f(1.0), e >= vec4f(threshold{s})), vec4f(1.0));
      // #end
    }
    // #repeat s 15
    lane_reached[row.lane * STEPS + {s}u] = sum{s};
    // #end
    workgroupBarrier();
    if (row.lane < STEPS) {
      var sum = 0.0;
      for (var i = 0u; i < LANES; i++) { sum += lane_reached[i * STEPS + row.lane]; }
      reached[row.lane] = sum;
    }
    workgroupBarrier();
    if (row.lane == 0u) {
      found_bits = bits;
      for (var s = 0u; s < STEPS; s++) {
        let next = bits + ((s + 1u) << u32(shift));
        if (next <= 0x3f800000u && reached[s] >= goal) { found_bits = next; }
      }
    }
    bits = workgroupUniformLoad(&found_bits);
  }
  return bitcast<f32>(bits);
}

/// Uniform number `round` of this position, in [0, 1): Philox keyed by (seed; position, version, sample, query).
fn uniform_of(state: u32, position: u32, round: u32) -> f32 {
  let words = philox(
    vec4u(position + ((round / 4u) << 24u), slot_state[state + SLOT_VERSION], slot_state[state + SLOT_SAMPLE], slot_state[state + SLOT_QUERY]),
    vec2u(slot_state[state + SLOT_SEED_LOW], slot_state[state + SLOT_SEED_HIGH]),
  );
  return f32(words[round % 4u] >> 8u) * 5.9604645e-8;
}

/// Sets `drawn` to the first token at which the running mass passes `goal`, and `drawn_e` to its e. Lane 0 alone runs it.
fn draw_at(row: Row, goal: f32, threshold: f32) {
  var before = 0.0;
  var chunk = LANES - 1u;
  for (var i = 0u; i < LANES; i++) {
    if (goal < before + lane_sum[i]) { chunk = i; break; }
    if (i + 1u < LANES) { before += lane_sum[i]; }
  }
  let chunk_end = min((chunk + 1u) * STRIDE, V);
  drawn = largest_at;
  drawn_e = 1.0;
  for (var i = min(chunk * STRIDE, V - 1u); i < chunk_end; i++) {
    let e = likelihood(row, i);
    if (e < threshold) { continue; }
    // Rounding may leave the goal past the last sum: then the last token with any mass is drawn.
    if (e > 0.0) {
      drawn = i;
      drawn_e = e;
    }
    before += e;
    if (goal < before) { break; }
  }
}

/// Why the slot ends with this token, its `count`-th new one: REASON_STOP, REASON_LENGTH, or 0 where it goes on.
fn end_reason(state: u32, token: u32, count: u32) -> u32 {
  var reason = 0u;
  for (var i = 0u; i < STOP_IDS; i++) { if (slot_state[state + SLOT_STOP + i] == token) { reason = REASON_STOP; } }
  if (reason == 0u && count >= slot_state[state + SLOT_MAX_NEW]) { reason = REASON_LENGTH; }
  return reason;
}

/// Records the token and moves the slot on to it, or ends the slot. Lane 0 alone runs it.
fn advance(slot: u32, seen_at: u32, token: u32, position: u32, logp: f32) {
  let state = slot * SLOT_WORDS;
  let count = slot_state[state + SLOT_COUNT];
  out_tokens[slot * LIMIT + count] = vec2u(token, bitcast<u32>(logp));
  slot_state[state + SLOT_ID] = token;
  slot_state[state + SLOT_POSITION] = position;
  slot_state[state + SLOT_COUNT] = count + 1u;
  if (SEEN > 0u) { slot_state[seen_at + token / 32u] |= 1u << (token % 32u); }
  ids[slot] = token;
  positions[slot] = position;
  slots[slot] = slot;
  let reason = end_reason(state, token, count + 1u);
  if (reason != 0u) {
    slot_state[state + SLOT_ACTIVE] = 0u;
    slot_state[state + SLOT_REASON] = reason;
    slots[slot] = NO_SLOT;
  }
}

/// The stages of a row, in order: the model's own distribution, which the log-probability is of; the penalised one; the top k; then draw 0, 1, …,
/// at stage FIRST_DRAW + draw.
const PLAIN = 0u;
const PENALISED = 1u;
const TOP_K = 2u;
const FIRST_DRAW = 3u;

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row_index = flat_workgroup(group, groups);
  if (row_index >= min(params.rows, counts[1])) { return; }
  let slot = row_slots[row_index];
  if (slot == NO_SLOT) { return; }
  let state = slot * SLOT_WORDS;
  // The slot's state is written below, so lane 0 reads it for all: only then does the compiler know that every lane sees the same.
  if (lane.x == 0u) {
    is_active = slot_state[state + SLOT_ACTIVE];
    let temperature = bitcast<f32>(slot_state[state + SLOT_TEMPERATURE]);
    let scale = select(1.0 / temperature, 1.0, temperature <= 0.0);
    settings = vec4f(
      scale,
      bitcast<f32>(slot_state[state + SLOT_PENALTY]),
      bitcast<f32>(slot_state[state + SLOT_MIN_P]),
      bitcast<f32>(slot_state[state + SLOT_TOP_P]),
    );
    top_k = slot_state[state + SLOT_TOP_K];
  }
  if (workgroupUniformLoad(&is_active) == 0u) { return; }
  let wanted = workgroupUniformLoad(&settings);
  let keep_count = workgroupUniformLoad(&top_k);
  let penalty = wanted.y;
  let min_p = wanted.z;
  let top_p = wanted.w;
  let greedy = bitcast<f32>(slot_state[state + SLOT_TEMPERATURE]) <= 0.0;
  let first = min(lane.x * STRIDE, V);
  var row = Row(row_index * COLUMNS, params.seen_at + slot * SEEN, first, min(first + STRIDE, V), lane.x, wanted.x, 1.0, 0.0);
  let position = slot_state[state + SLOT_POSITION] + 1u;
  // A threshold of 0 admits every token, also those whose e is too small for a float.
  var threshold = 0.0;
  var total = 0.0;
  var nucleus = 0.0;
  var plain = vec2f();
  for (var stage = PLAIN; ; stage++) {
    let reweighs = stage == PLAIN || (stage == PENALISED && SEEN > 0u && penalty != 1.0);
    let searches = stage == TOP_K && keep_count >= 1u && keep_count < V;
    if (reweighs) {
      row.penalty = select(1.0, penalty, stage == PENALISED);
      find_largest(row);
      row.m = workgroupUniformLoad(&largest);
    }
    if (searches) { threshold = threshold_of(row, f32(keep_count)); }
    // min_p comes after top_p: it takes tokens out of the nucleus of the top k.
    if (stage == FIRST_DRAW) { threshold = max(threshold, min_p); }
    if (reweighs || searches || (stage == FIRST_DRAW && min_p > 0.0) || stage > FIRST_DRAW) { total = mass_of(row, threshold); }
    if (stage == PLAIN) { plain = vec2f(row.m, total); }
    if (stage < FIRST_DRAW) {
      nucleus = top_p * total;
      continue;
    }
    if (lane.x == 0u) {
      // `total` is now the mass above the last draw, which therefore lies in the nucleus if it is less than the nucleus holds.
      var stands = stage > FIRST_DRAW && (total < nucleus || total == 0.0);
      if (greedy) {
        drawn = largest_at;
        stands = true;
      }
      if (!stands) {
        draw_at(row, uniform_of(state, position, stage - FIRST_DRAW) * total, threshold);
        stands = top_p >= 1.0;
      }
      is_drawn = u32(stands);
    }
    if (workgroupUniformLoad(&is_drawn) == 1u) { break; }
    // The next larger float: the following draw is among the tokens above this one.
    threshold = bitcast<f32>(bitcast<u32>(drawn_e) + 1u);
  }
  if (lane.x != 0u) { return; }
  let logp = logits[row.at + drawn] * row.scale - plain.x - log(plain.y);
  advance(slot, row.seen_at, drawn, position, logp);
}
