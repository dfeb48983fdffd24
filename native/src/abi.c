#include "convnative.h"

uint32_t cn_abi_version(void)
{
    return CN_ABI_VERSION;
}
