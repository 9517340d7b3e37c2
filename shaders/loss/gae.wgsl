// Generalised advantage estimation (arXiv:1506.02438) over packed rows, one invocation per sequence, last row first:
//   A[r] = reward[r] - V[r] + c (g V[r+1] + gl A[r+1]),  c = gl^(gap[r] - 1), or 1 when SKIP;  returns = A + V
// gap[r]: tokens from row r to the next row of its sequence; the tokens between have V = reward = 0 (TRL) or are skipped (verl).
// Rows of sequence s: first_row[s] .. first_row[s+1]. Rows past counts[1] become 0. Params: rows, gamma, gamma_lambda, skip.
// reward, V, gap, A, returns: [R]; first_row: [S + 1].
// #include "flat"
struct Params { rows: u32, gamma: f32, gamma_lambda: f32, skip: u32 }
@group(0) @binding(0) var<storage, read> reward: array<f32>;
@group(0) @binding(1) var<storage, read> value: array<f32>;
@group(0) @binding(2) var<storage, read> gap: array<u32>;
@group(0) @binding(3) var<storage, read> first_row: array<u32>;
@group(0) @binding(4) var<storage, read> counts: array<u32>;
@group(0) @binding(5) var<storage, read_write> advantage: array<f32>;
@group(0) @binding(6) var<storage, read_write> returns: array<f32>;
@group(0) @binding(7) var<uniform> params: Params;

// base^exponent by squaring: the same multiplications on every adapter.
fn power(base: f32, exponent: u32) -> f32 {
  var result = 1.0;
  var square = base;
  for (var e = exponent; e > 0u; e >>= 1u) {
    if ((e & 1u) == 1u) { result *= square; }
    square *= square;
  }
  return result;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let index = flat_workgroup(group, groups) * 64u + lane.x;
  if (index < params.rows && index >= counts[1]) { advantage[index] = 0.0; returns[index] = 0.0; }
  if (index >= counts[2]) { return; }
  let first = first_row[index];
  var next_value = 0.0;
  var next_advantage = 0.0;
  for (var r = first_row[index + 1u]; r > first; ) {
    r--;
    var carry = 1.0;
    if (params.skip == 0u && gap[r] > 1u) { carry = power(params.gamma_lambda, gap[r] - 1u); }
    let v = value[r];
    let a = reward[r] - v + carry * (params.gamma * next_value + params.gamma_lambda * next_advantage);
    advantage[r] = a;
    returns[r] = a + v;
    next_value = v;
    next_advantage = a;
  }
}
