// Draws the next token of each row's slot from softmax(logits / T) by inverse CDF with a Philox uniform, or takes the argmax
// at T = 0 (lowest id wins ties). Writes the token, its log-probability, and advances the slot: position, count, stop.
// A repetition penalty (Keskar 2019) first divides positive logits of tokens the context holds by it and multiplies negative ones.
// Only tokens with e = exp((logit - max) / T) of at least a threshold can be drawn: the largest that at least top_k tokens reach, then the
// largest whose tokens hold top_p of the mass of those (nucleus sampling, Holtzman 2020), and min_p. Tokens alike in e stay or go together.
// The nucleus is not looked for: a drawn token is in it if the tokens above it in e hold less than top_p. If it is not, the next is drawn
// among those above it, with the next uniform. One pass over the row tells of a token, and of top_p tokens drawn so many are kept at once.
// The log-probability is that under temperature alone.
// logits: [R, COLUMNS] of which V are tokens, row_slots: [R] (0xffffffff: skip). One workgroup per row; a lane has a run of tokens, sums are taken in lane order.
// slot_state: [SLOTS, SLOT_WORDS] words = next id, position, active, count, max new, seed low, seed high, query, sample, version,
//   temperature (f32), stop 0..3, reason (1 stop, 2 length), top_k (0: all), top_p (f32, 1: all), min_p (f32, 0: all), penalty (f32, 1: none);
//   then [SLOTS, SEEN] words, bit t % 32 of word t / 32 set where the context holds token t. SEEN = 0: no such words, no penalty.
// out_tokens: [SLOTS, LIMIT, 2] = id, log-probability (f32) of the k-th new token, k < LIMIT. Constants: V, COLUMNS, LIMIT, SLOT_WORDS, SEEN.
// Each function is called at one place, in loops: compilers write calls out, and this is long enough once.
// #include "flat"
// #include "philox"
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
/// The token drawn last, its e, and whether it stands.
var<workgroup> drawn: u32;
var<workgroup> drawn_e: f32;
var<workgroup> is_drawn: u32;

/// What the lanes of a row share.
struct Row { at: u32, seen_at: u32, first: u32, end: u32, lane: u32, scale: f32, penalty: f32, m: f32 }

/// The logit the draw sees, over the temperature.
fn value(row: Row, token: u32) -> f32 {
  var z = logits[row.at + token];
  if (SEEN > 0u && row.penalty != 1.0 && ((slot_state[row.seen_at + token / 32u] >> (token % 32u)) & 1u) == 1u) {
    z = select(z * row.penalty, z / row.penalty, z > 0.0);
  }
  return z * row.scale;
}
fn likelihood(row: Row, token: u32) -> f32 { return exp(value(row, token) - row.m); }

/// Largest value of the row, and the first token that has it, for every lane.
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

/// Mass of the tokens that reach a threshold; each lane's share of it stays in lane_sum.
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

/// The largest threshold in (0, 1] that at least `goal` tokens reach. Positive floats are ordered as their bits are: four bits are found at
/// a time, by 15 thresholds in one pass over the row.
fn threshold_of(row: Row, goal: f32) -> f32 {
  var bits = 0u;
  for (var shift = 28; shift >= 0; shift -= 4) {
    // #repeat s 15
    let threshold{s} = bitcast<f32>(min(bits + (({s}u + 1u) << u32(shift)), 0x3f800001u));
    var sum{s} = 0.0;
    // #end
    for (var i = row.first; i < row.end; i += 4u) {
      // Four at a time: fewer turns of the loop. What lies past the run counts nothing.
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

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row_index = flat_workgroup(group, groups);
  if (row_index >= min(params.rows, counts[1])) { return; }
  let slot = row_slots[row_index];
  if (slot == 0xffffffffu) { return; }
  let state = slot * SLOT_WORDS;
  // The slot's state is written below, so the compiler needs to be shown that all lanes see the same.
  if (lane.x == 0u) {
    is_active = slot_state[state + 2u];
    let temperature = bitcast<f32>(slot_state[state + 10u]);
    let scale = select(1.0 / temperature, 1.0, temperature <= 0.0);
    settings = vec4f(scale, bitcast<f32>(slot_state[state + 19u]), bitcast<f32>(slot_state[state + 18u]), bitcast<f32>(slot_state[state + 17u]));
    top_k = slot_state[state + 16u];
  }
  if (workgroupUniformLoad(&is_active) == 0u) { return; }
  let wanted = workgroupUniformLoad(&settings);
  let keep_count = workgroupUniformLoad(&top_k);
  let greedy = bitcast<f32>(slot_state[state + 10u]) <= 0.0;
  let first = min(lane.x * STRIDE, V);
  var row = Row(row_index * COLUMNS, params.seen_at + slot * SEEN, first, min(first + STRIDE, V), lane.x, wanted.x, 1.0, 0.0);
  let position = slot_state[state + 1u] + 1u;
  // 0 lets every token through, also those whose mass is too small for a float.
  var threshold = 0.0;
  var total = 0.0;
  var nucleus = 0.0;
  var plain = vec2f();
  // As the model has it, then with the penalty, then among the top k, then draws.
  for (var stage = 0u; ; stage++) {
    let reweighs = stage == 0u || (stage == 1u && SEEN > 0u && wanted.y != 1.0);
    let searches = stage == 2u && keep_count >= 1u && keep_count < V;
    if (reweighs) {
      row.penalty = select(1.0, wanted.y, stage == 1u);
      find_largest(row);
      row.m = workgroupUniformLoad(&largest);
    }
    if (searches) { threshold = threshold_of(row, f32(keep_count)); }
    // Of the nucleus of the top k, tokens that are not likely enough are left out at last.
    if (stage == 3u) { threshold = max(threshold, wanted.z); }
    if (reweighs || searches || (stage == 3u && wanted.z > 0.0) || stage > 3u) { total = mass_of(row, threshold); }
    if (stage == 0u) { plain = vec2f(row.m, total); }
    if (stage < 3u) {
      nucleus = wanted.w * total;
      continue;
    }
    if (lane.x == 0u) {
      // What is summed since the last draw lies above it.
      var stands = stage > 3u && (total < nucleus || total == 0.0);
      if (greedy) {
        drawn = largest_at;
        stands = true;
      }
      if (!stands) {
        let round = stage - 3u;
        let words = philox(
          vec4u(position + ((round / 4u) << 24u), slot_state[state + 9u], slot_state[state + 8u], slot_state[state + 7u]),
          vec2u(slot_state[state + 5u], slot_state[state + 6u]),
        );
        let goal = f32(words[round % 4u] >> 8u) * 5.9604645e-8 * total;
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
          // Rounding may leave the goal past the last sum: then the last token with any mass stands.
          if (e > 0.0) {
            drawn = i;
            drawn_e = e;
          }
          before += e;
          if (goal < before) { break; }
        }
        stands = wanted.w >= 1.0;
      }
      is_drawn = u32(stands);
    }
    if (workgroupUniformLoad(&is_drawn) == 1u) { break; }
    // The next float.
    threshold = bitcast<f32>(bitcast<u32>(drawn_e) + 1u);
  }
  if (lane.x != 0u) { return; }
  let token = drawn;
  let count = slot_state[state + 3u];
  let logp = logits[row.at + token] * row.scale - plain.x - log(plain.y);
  out_tokens[slot * LIMIT + count] = vec2u(token, bitcast<u32>(logp));
  slot_state[state] = token;
  slot_state[state + 1u] = position;
  slot_state[state + 3u] = count + 1u;
  if (SEEN > 0u) { slot_state[row.seen_at + token / 32u] |= 1u << (token % 32u); }
  ids[slot] = token;
  positions[slot] = position;
  var reason = 0u;
  for (var i = 0u; i < 4u; i++) { if (slot_state[state + 11u + i] == token) { reason = 1u; } }
  if (reason == 0u && count + 1u >= slot_state[state + 4u]) { reason = 2u; }
  slots[slot] = slot;
  if (reason != 0u) {
    slot_state[state + 2u] = 0u;
    slot_state[state + 15u] = reason;
    slots[slot] = 0xffffffffu;
  }
}
