// Each file has tests of its own. They ask one explorer: processes of their own would cost half as much again.
import "./testing/pictures.js";
import "./testing/steering.js";
import "./testing/requests.js";
