/* The doors of a call: what must hold before anything of a person's leaves. Reports and failures name them. */
#ifndef SOTTO_TRUST_DOOR_H
#define SOTTO_TRUST_DOOR_H

typedef enum so_door {
    SO_DOOR_SIGNALING,    /* TLS to a server with a certificate that was checked */
    SO_DOOR_SEAL,         /* the other end holds the link */
    SO_DOOR_FINGERPRINTS, /* the certificate in the media handshake is the one that came sealed */
    SO_DOOR_MEDIA,        /* DTLS-SRTP */
    SO_DOOR_PATH,         /* packets get through */
    SO_DOOR_PERSON,       /* people compared, or the other end's key is known: not needed for the others to hold */
    SO_DOORS,
    SO_NO_DOOR = SO_DOORS,
} so_door;

#endif
