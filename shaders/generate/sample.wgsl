// Draws the next token of each row's slot from softmax(logits / T) by inverse CDF with one Philox uniform, or takes the argmax
// at T = 0 (lowest id wins ties). Writes the token, its log-probability, and advances the slot: position, count, stop.
// logits: [R, V], row_slots: [R] (0xffffffff: skip). One workgroup per row; sums are taken in lane order.
// slot_state: [slots, 16] words = next id, position, active, count, max new, seed low, seed high, query, sample, version,
//   temperature (f32), stop 0..3, reason (1 stop, 2 length).
// out_tokens: [slots, LIMIT, 2] = id, log-probability (f32) of the k-th new token, k < LIMIT. Constants: V, LIMIT.
// #include "flat"
// #include "philox"
struct Params { rows: u32 }
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> row_slots: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> slot_state: array<u32>;
@group(0) @binding(4) var<storage, read_write> ids: array<u32>;
@group(0) @binding(5) var<storage, read_write> positions: array<u32>;
@group(0) @binding(6) var<storage, read_write> slots: array<u32>;
@group(0) @binding(7) var<storage, read_write> out_tokens: array<vec2u>;
@group(0) @binding(8) var<uniform> params: Params;

const LANES = 32u;
const STRIDE = (V + LANES - 1u) / LANES;
var<workgroup> lane_value: array<f32, LANES>;
var<workgroup> lane_index: array<u32, LANES>;
var<workgroup> lane_sum: array<f32, LANES>;
var<workgroup> is_active: u32;

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = flat_workgroup(group, groups);
  if (row >= min(params.rows, counts[1])) { return; }
  let slot = row_slots[row];
  if (slot == 0xffffffffu) { return; }
  let state = slot * 16u;
  // The slot's state is written below, so the compiler needs to be shown that all lanes see the same flag.
  if (lane.x == 0u) { is_active = slot_state[state + 2u]; }
  if (workgroupUniformLoad(&is_active) == 0u) { return; }
  let temperature = bitcast<f32>(slot_state[state + 10u]);
  let greedy = temperature <= 0.0;
  let scale = select(1.0 / temperature, 1.0, greedy);
  let first = lane.x * STRIDE;
  let end = min(first + STRIDE, V);
  var best = -3e38;
  var best_index = V;
  for (var i = first; i < end; i++) {
    let z = logits[row * V + i] * scale;
    if (z > best) { best = z; best_index = i; }
  }
  lane_value[lane.x] = best;
  lane_index[lane.x] = best_index;
  workgroupBarrier();
  var m = lane_value[0];
  var arg = lane_index[0];
  for (var i = 1u; i < LANES; i++) {
    if (lane_value[i] > m) { m = lane_value[i]; arg = lane_index[i]; }
  }
  var sum = 0.0;
  for (var i = first; i < end; i++) { sum += exp(logits[row * V + i] * scale - m); }
  lane_sum[lane.x] = sum;
  workgroupBarrier();
  if (lane.x != 0u) { return; }
  var total = 0.0;
  for (var i = 0u; i < LANES; i++) { total += lane_sum[i]; }
  var token = arg;
  let position = slot_state[state + 1u] + 1u;
  if (!greedy) {
    let words = philox(vec4u(position, slot_state[state + 9u], slot_state[state + 8u], slot_state[state + 7u]), vec2u(slot_state[state + 5u], slot_state[state + 6u]));
    let goal = f32(words.x >> 8u) * 5.9604645e-8 * total;
    var before = 0.0;
    var chunk = LANES - 1u;
    for (var i = 0u; i < LANES; i++) {
      if (goal < before + lane_sum[i]) { chunk = i; break; }
      if (i + 1u < LANES) { before += lane_sum[i]; }
    }
    let chunk_end = min((chunk + 1u) * STRIDE, V);
    for (var i = min(chunk * STRIDE, V - 1u); i < chunk_end; i++) {
      let e = exp(logits[row * V + i] * scale - m);
      // Rounding may leave the goal past the last sum: then the last token with any mass stands.
      if (e > 0.0) { token = i; }
      before += e;
      if (goal < before) { break; }
    }
  }
  let count = slot_state[state + 3u];
  let logp = logits[row * V + token] * scale - m - log(total);
  out_tokens[slot * LIMIT + count] = vec2u(token, bitcast<u32>(logp));
  slot_state[state] = token;
  slot_state[state + 1u] = position;
  slot_state[state + 3u] = count + 1u;
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
