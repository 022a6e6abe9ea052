/*
 * What real boxes are made of, which programs they have, and where these lie. Scripts in the boxes get it by way of the payload.
 * The Vagrantfile and vagrant/build-lxc-box run before anything is built and read this file: one `export const NAME = VALUE;`
 * a line.
 */

/** Vagrant's names of the images. vagrant/build-lxc-box makes that of LXC. */
export const virtualboxImage = 'debian/bookworm64';
export const lxcImage = 'hotspare/bookworm';

/** Debian 12's. */
export const postgresMajor = 15;
/** Where Debian keeps what its servers hold and how they are set, in a folder a major version. */
export const postgresDataFolder = '/var/lib/postgresql';
export const postgresSettingsFolder = '/etc/postgresql';
/** The Node of the boxes, apart from whatever Node they have of their own. */
export const nodeFolder = '/opt/hotspare-node';
/** What the boxes get when they have no Node of their own, or one older than the minimum. */
export const nodeVersion = '22.23.3';
/** The oldest Node that runs hotspare, here as on the boxes. */
export const nodeMinimum = '20.19';
/** Points to the present one of the releases. */
export const packageFolder = '/opt/hotspare';
/** One folder a build of hotspare, named by its digest. */
export const releasesFolder = '/opt/hotspare-releases';
