// A[n] = min(q1, q2)[n] - min(v1, v2)[n] for utterances n < counts[0], else 0     (archer/trainer.py; clipped double critics, Fujimoto 2018)
// sums = (utterances, sum A, sum A^2, sum min(q1, q2)). One workgroup; lanes stride, then add in lane order. Params: rows.
// q1, q2, v1, v2: [N, 1]; A: [N]; sums: [4].
struct Params { rows: u32 }
@group(0) @binding(0) var<storage, read> q1: array<f32>;
@group(0) @binding(1) var<storage, read> q2: array<f32>;
@group(0) @binding(2) var<storage, read> v1: array<f32>;
@group(0) @binding(3) var<storage, read> v2: array<f32>;
@group(0) @binding(4) var<storage, read> counts: array<u32>;
@group(0) @binding(5) var<storage, read_write> advantage: array<f32>;
@group(0) @binding(6) var<storage, read_write> sums: array<vec4f>;
@group(0) @binding(7) var<uniform> params: Params;

const LANES = 64u;
var<workgroup> partial: array<vec4f, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_id) lane: vec3u) {
  var sum = vec4f();
  let live = min(params.rows, counts[0]);
  for (var n = lane.x; n < params.rows; n += LANES) {
    if (n >= live) { advantage[n] = 0.0; continue; }
    let q = min(q1[n], q2[n]);
    let a = q - min(v1[n], v2[n]);
    advantage[n] = a;
    sum += vec4f(1.0, a, a * a, q);
  }
  partial[lane.x] = sum;
  workgroupBarrier();
  if (lane.x == 0u) {
    var total = vec4f();
    for (var i = 0u; i < LANES; i++) { total += partial[i]; }
    sums[0] = total;
  }
}
