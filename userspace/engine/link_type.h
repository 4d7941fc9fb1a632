/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a link is, for collectors: IANAifType of the kernel's two words for it.
 */
#ifndef FLOWGAUGE_ENGINE_LINK_TYPE_H
#define FLOWGAUGE_ENGINE_LINK_TYPE_H

#include <stdint.h>

/* @arphrd: ARPHRD_*; @kind: IFLA_INFO_KIND, "" for a device that no rtnl_link_ops made. */
uint16_t link_type(uint16_t arphrd, const char *kind);

#endif
