//go:build linux

#include "textflag.h"

// stub is the launcher's program: see stub_amd64.s.
TEXT ·stub(SB), NOSPLIT|NOFRAME, $0-0
	MOVD RSP, R20
	MOVD $0x20000000, R19 // tableAt

next:
	MOVD 0(R19), R8
	MOVD 8(R19), R0
	MOVD 16(R19), R1
	CMP $0, R8
	BLT program
	MOVD 24(R19), R2
	MOVD 32(R19), R3
	MOVD 40(R19), R4
	MOVD 48(R19), R5
	SVC
	CMN $4095, R0
	BCC good
	MOVD 56(R19), R0
	CBZ R0, good

fail:
	MOVD $94, R8 // exit_group
	SVC

good:
	ADD $64, R19
	B next

program:
	MOVD 0(R20), R3 // argc
	ADD $8, R20, R2 // argv
	LSL $3, R3
	ADD R2, R3
	ADD $8, R3 // envp
	MOVD $0x1000, R4 // AT_EMPTY_PATH
	MOVD $281, R8 // execveat
	SVC
	MOVD 56(R19), R0
	B fail

// func stubAddress() *byte
TEXT ·stubAddress(SB), NOSPLIT, $0-8
	MOVD $·stub(SB), R0
	MOVD R0, ret+0(FP)
	RET
