export { writeRunPlots } from "./write-run-plots.js";
