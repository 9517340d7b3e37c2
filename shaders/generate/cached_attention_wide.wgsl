// o[t, h] = softmax(q[t, h] . K) V over the cached keys 0 .. positions[t] of token t's slot, one workgroup per token and head: for few rows
// with long contexts, where an invocation to a row would leave a GPU idle. Keys are taken in tiles of 4 LANES with the running maximum of
// flash attention (Dao 2022); a lane scores whole keys, then sums one quad of the head over the tile's values, every PARTS-th of them.
// q, o: [T, KV * GROUP * HD]; caches: [blocks * 16, KV * HD]; table: [slots, blocks]. Constants: HD4 = head size / 4, KV, GROUP,
// LANES >= HD4. Part: the caches' dtype; sums are f32.
// #include "flat"
struct Params { rows: u32, scale: f32, blocks: u32 }
@group(0) @binding(0) var<storage, read> q: array<vec4f>;
// #part cache
@group(0) @binding(3) var<storage, read> slots: array<u32>;
@group(0) @binding(4) var<storage, read> positions: array<u32>;
@group(0) @binding(5) var<storage, read> block_table: array<u32>;
@group(0) @binding(6) var<storage, read> counts: array<u32>;
@group(0) @binding(7) var<storage, read_write> o: array<vec4f>;
@group(0) @binding(8) var<uniform> params: Params;

const HEADS = KV * GROUP;
const TILE = 4u * LANES;
const PARTS = LANES / HD4;
var<workgroup> query: array<vec4f, HD4>;
/// Of key j * LANES + lane of the tile: component j. Where a key's row begins, its score, its weight.
var<workgroup> row_at: array<vec4u, LANES>;
var<workgroup> scores: array<vec4f, LANES>;
var<workgroup> weights: array<vec4f, LANES>;
var<workgroup> partial: array<vec4f, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = flat_workgroup(group, groups);
  let t = index / HEADS;
  if (t >= min(params.rows, counts[0])) { return; }
  let slot = slots[t];
  if (slot == 0xffffffffu) { return; }
  let kv = (index % HEADS) / GROUP;
  let count = positions[t] + 1u;
  if (lane < HD4) { query[lane] = q[index * HD4 + lane] * params.scale; }
  workgroupBarrier();
  let d = lane % HD4;
  let part = lane / HD4;
  var acc = vec4f();
  var m = -1e30;
  var l = 0.0;
  for (var p0 = 0u; p0 < count; p0 += TILE) {
    var at = vec4u();
    var s = vec4f(-1e30);
    for (var j = 0u; j < 4u; j++) {
      let p = p0 + j * LANES + lane;
      if (p >= count) { break; }
      at[j] = ((block_table[slot * params.blocks + p / 16u] * 16u + p % 16u) * KV + kv) * HD4;
      var sum = vec4f();
      for (var i = 0u; i < HD4; i++) { sum += query[i] * key_quad(at[j] + i); }
      s[j] = sum.x + sum.y + sum.z + sum.w;
    }
    row_at[lane] = at;
    scores[lane] = s;
    workgroupBarrier();
    var most = scores[0];
    for (var i = 1u; i < LANES; i++) { most = max(most, scores[i]); }
    let next = max(m, max(max(most.x, most.y), max(most.z, most.w)));
    let keep = exp(m - next);
    // Of keys past the last one exp is 0.
    weights[lane] = exp(s - next);
    workgroupBarrier();
    var mass = vec4f();
    for (var i = 0u; i < LANES; i++) { mass += weights[i]; }
    l = l * keep + mass.x + mass.y + mass.z + mass.w;
    acc *= keep;
    if (part < PARTS) {
      let left = min(count - p0, TILE);
      for (var i = part; i < left; i += PARTS) { acc += weights[i % LANES][i / LANES] * value_quad(row_at[i % LANES][i / LANES] + d); }
    }
    m = next;
    // The next tile is written over this one.
    workgroupBarrier();
  }
  partial[lane] = acc;
  workgroupBarrier();
  if (lane >= HD4) { return; }
  var sum = partial[lane];
  for (var i = 1u; i < PARTS; i++) { sum += partial[i * HD4 + lane]; }
  o[index * HD4 + lane] = sum / l;
}
