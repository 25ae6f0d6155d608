// The functions of D3 that the page uses. bundle.js writes them to scripts/handgrad/page/assets/d3.min.js.
export { brush, brushY } from "d3-brush";
export { scaleLinear, scaleLog, scalePoint } from "d3-scale";
export { select } from "d3-selection";
