/** Bytes of an uploaded file. */
export const largestUpload = 32 * 2 ** 20;

/** Pixels of an uploaded picture: decoded, 150 MB. */
export const largestPicture = 50_000_000;

/** Uploads read and decoded at a time. */
export const uploadsAtATime = 2;

/** How long an upload may take, in milliseconds: a client that stalls must not keep the others waiting. */
export const uploadTime = 60_000;

/** Requests that wait for the model; more are turned away. */
export const longestQueue = 2000;

/** Bytes of pictures that went through the model and are kept. */
export const keptPictures = 128 * 2 ** 20;

/** Changes of one steering, and the largest value of one. */
export const mostChanges = 256;
export const largestValue = 1e6;
