// o[t, h] = sum_j softmax_j(q[t, h] . k[j, g] * scale) v[j, g] over keys j of the same segment with j <= t, g = h / GROUP
// lse[t, h] = log sum_j exp(q . k * scale)                       (flash attention, Dao 2022; packed sequences, GQA)
// q, o: [T, KV * GROUP * HD], k, v: [T, KV * HD]; spans[0].x = live tokens, spans[1 + t] = (start, end) of t's segment.
// A workgroup computes 32 rows of a key head (row t * GROUP + g is head g of query t) and reads 32 keys at a time. It passes over the keys twice: for
// the largest score of each row, which does not depend on the order, and for the sums, key by key in key order. So a row's bits do not depend on where tiles begin or on other rows.
// An invocation sums ROWS rows of COLUMNS quads of the head. Constants: HD4 = head size / 4, KV, GROUP, CHUNK, STAGED, ROWS, COLUMNS, COLUMN_LANES.
struct Params { scale: f32, quads: u32 }
@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read> spans: array<vec2u>;
@group(0) @binding(4) var<storage, read_write> o: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

const HEADS = KV * GROUP;
var<private> kv: u32;
// #include "attention_scores"
// #include "attention_rows"
fn row_quad(_which: u32, row: u32, d: u32) -> vec4f {
  if (row / GROUP >= spans[0].x) { return vec4f(); }
  return q[head_row(row) * HD4 + d] * params.scale;
}
/// 0: k; 1: v.
fn column_quad(which: u32, key: u32, d: u32) -> vec4f {
  if (key >= spans[0].x) { return vec4f(); }
  let at = (key * KV + kv) * HD4 + d;
  if (which == 0u) { return k[at]; }
  return v[at];
}
/// Of row r: its greatest score, after eight lanes' own.
var<workgroup> most: array<f32, TILE * 8u>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let live = spans[0].x;
  let row0 = group.x * TILE;
  let first_query = row0 / GROUP;
  if (first_query >= live) { return; }
  let last_query = min((row0 + TILE - 1u) / GROUP, live - 1u);
  let first_key = spans[1u + first_query].x;
  kv = group.y;
  let row = lane / 8u;
  let column = lane % 8u;
  let low_keys = keys_of(row0 + row, live);
  let high_keys = keys_of(row0 + row + 16u, live);

  var low_most = -1e30;
  var high_most = -1e30;
  for (var key0 = first_key; key0 <= last_query; key0 += TILE) {
    let s = scores(0u, row0, key0, lane);
    // #repeat i 4
    {
      let key = key0 + column * 4u + {i}u;
      if (is_within(key, low_keys)) { low_most = max(low_most, s.low[{i}]); }
      if (is_within(key, high_keys)) { high_most = max(high_most, s.high[{i}]); }
    }
    // #end
  }
  most[row * 8u + column] = low_most;
  most[(row + 16u) * 8u + column] = high_most;
  workgroupBarrier();
  for (var i = 0u; i < 8u; i++) {
    low_most = max(low_most, most[row * 8u + i]);
    high_most = max(high_most, most[(row + 16u) * 8u + i]);
  }

  let own_column = lane % COLUMN_LANES;
  let own_row = lane / COLUMN_LANES * ROWS;
  // #repeat r ROWS
  var mass{r} = 0f;
  // #repeat c COLUMNS
  var acc{r}_{c} = vec4f();
  // #end
  // #end
  for (var key0 = first_key; key0 <= last_query; key0 += TILE) {
    let s = scores(0u, row0, key0, lane);
    weights[row * WEIGHT_STRIDE + column] = select(vec4f(), exp(s.low - low_most), within(key0 + column * 4u, low_keys));
    weights[(row + 16u) * WEIGHT_STRIDE + column] = select(vec4f(), exp(s.high - high_most), within(key0 + column * 4u, high_keys));
    for (var j0 = 0u; j0 < TILE; j0 += STAGED) {
      stage_columns(1u, key0 + j0, lane);
      if (own_row < TILE) {
        for (var j = 0u; j < STAGED; j += 4u) {
          // #repeat r ROWS
          let w{r} = weights[min(own_row + {r}u, TILE - 1u) * WEIGHT_STRIDE + (j0 + j) / 4u];
          // #end
          // #repeat i 4
          {
            // #repeat c COLUMNS
            let v{c} = stage[(j + {i}u) * HD4 + min(own_column + {c}u * COLUMN_LANES, HD4 - 1u)];
            // #end
            // #repeat r ROWS
            mass{r} += w{r}[{i}];
            // #repeat c COLUMNS
            acc{r}_{c} = fma(vec4f(w{r}[{i}]), v{c}, acc{r}_{c});
            // #end
            // #end
          }
          // #end
        }
      }
    }
  }
  // #repeat r ROWS
  if (own_row + {r}u < TILE && (row0 + own_row + {r}u) / GROUP < live) {
    let at = head_row(row0 + own_row + {r}u);
    // #repeat c COLUMNS
    if (own_column + {c}u * COLUMN_LANES < HD4) { o[at * HD4 + own_column + {c}u * COLUMN_LANES] = acc{r}_{c} / mass{r}; }
    // #end
    if (own_column == 0u) {
      var greatest = -1e30;
      for (var i = 0u; i < 8u; i++) { greatest = max(greatest, most[(own_row + {r}u) * 8u + i]); }
      lse[at] = greatest + log(mass{r});
    }
  }
  // #end
}
