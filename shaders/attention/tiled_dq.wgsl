// dq[t, h] = scale * sum_j p_j (do . v_j - delta) k_j,  p_j = exp(q . k_j * scale - lse)      (flash attention backward)
// It is tiled as tiled_attention is, in one pass over the keys. Constants: HD4 = head size / 4, KV, GROUP, CHUNK, STAGED, ROWS, COLUMNS, COLUMN_LANES.
// The arrays are those of dq.
struct Params { scale: f32, quads: u32 }
@group(0) @binding(0) var<storage, read> grad_o: array<vec4f>;
@group(0) @binding(1) var<storage, read> q: array<vec4f>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> v: array<vec4f>;
@group(0) @binding(4) var<storage, read> lse_delta: array<vec2f>;
@group(0) @binding(5) var<storage, read> spans: array<vec2u>;
@group(0) @binding(6) var<storage, read_write> dq: array<vec4f>;
@group(0) @binding(7) var<uniform> params: Params;

const HEADS = KV * GROUP;
var<private> kv: u32;
// #include "attention_scores"
// #include "attention_rows"
/// 0: q and k; 1: do and v.
fn row_quad(which: u32, row: u32, d: u32) -> vec4f {
  if (row / GROUP >= spans[0].x) { return vec4f(); }
  let at = head_row(row) * HD4 + d;
  if (which == 0u) { return q[at] * params.scale; }
  return grad_o[at];
}
fn column_quad(which: u32, key: u32, d: u32) -> vec4f {
  if (key >= spans[0].x) { return vec4f(); }
  let at = (key * KV + kv) * HD4 + d;
  if (which == 0u) { return k[at]; }
  return v[at];
}

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
  let low = lse_delta[head_row(min(row0 + row, live * GROUP - 1u))];
  let high = lse_delta[head_row(min(row0 + row + 16u, live * GROUP - 1u))];

  let own_column = lane % COLUMN_LANES;
  let own_row = lane / COLUMN_LANES * ROWS;
  // #repeat r ROWS
  // #repeat c COLUMNS
  var acc{r}_{c} = vec4f();
  // #end
  // #end
  for (var key0 = first_key; key0 <= last_query; key0 += TILE) {
    let s = scores(0u, row0, key0, lane);
    let g = scores(1u, row0, key0, lane);
    weights[row * WEIGHT_STRIDE + column] = select(vec4f(), exp(s.low - low.x) * (g.low - low.y), within(key0 + column * 4u, low_keys));
    weights[(row + 16u) * WEIGHT_STRIDE + column] =
      select(vec4f(), exp(s.high - high.x) * (g.high - high.y), within(key0 + column * 4u, high_keys));
    for (var j0 = 0u; j0 < TILE; j0 += STAGED) {
      stage_columns(0u, key0 + j0, lane);
      if (own_row < TILE) {
        for (var j = 0u; j < STAGED; j += 4u) {
          // #repeat r ROWS
          let w{r} = weights[min(own_row + {r}u, TILE - 1u) * WEIGHT_STRIDE + (j0 + j) / 4u];
          // #end
          // #repeat i 4
          {
            // #repeat c COLUMNS
            let k{c} = stage[(j + {i}u) * HD4 + min(own_column + {c}u * COLUMN_LANES, HD4 - 1u)];
            // #repeat r ROWS
            acc{r}_{c} = fma(vec4f(w{r}[{i}]), k{c}, acc{r}_{c});
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
    let at = head_row(row0 + own_row + {r}u) * HD4;
    // #repeat c COLUMNS
    if (own_column + {c}u * COLUMN_LANES < HD4) { dq[at + own_column + {c}u * COLUMN_LANES] = acc{r}_{c} * params.scale; }
    // #end
  }
  // #end
}
