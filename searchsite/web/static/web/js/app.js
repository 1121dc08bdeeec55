// Starts what every page has; each module looks for its own elements.
import { startKeys } from "./keys.js";
import { startMenus } from "./menus.js";
import { startPictures } from "./pictures.js";
import { startResults } from "./results.js";
import { startQueue } from "./queue.js";
import { startUpload } from "./upload.js";
import { startEditing } from "./editing.js";
import { startAsking } from "./asking.js";

startKeys();
startMenus();
startResults();
startEditing();
startAsking();
startQueue();
if (document.querySelector("[data-upload]")) startUpload();
else startPictures();
