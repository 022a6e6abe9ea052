/*
 * Which programs real boxes have, and where they lie. Scripts in the boxes and Ruby get them by way of the payload.
 * vagrant/build-lxc-box runs before anything is built and reads this file: one `export const NAME = VALUE;` a line.
 */

/** Debian 12's. */
export const postgresMajor = 15;
/** The Node of the boxes, apart from whatever Node they have of their own. */
export const nodeFolder = '/opt/hotspare-node';
/** What the boxes get when they have no Node of their own, or one older than the minimum. */
export const nodeVersion = '22.23.3';
export const nodeMinimum = '20.19.0';
/** Points to the present one of the releases. */
export const packageFolder = '/opt/hotspare';
/** One folder a build of hotspare, named by its digest. */
export const releasesFolder = '/opt/hotspare-releases';
