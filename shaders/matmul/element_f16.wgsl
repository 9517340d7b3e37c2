// Rounds the operands of subgroup matrices to half precision.
enable f16;
alias Element = f16;
alias ElementQuad = vec4<f16>;
