//go:build linux

#include "textflag.h"

// stub is the program of the launcher (launch_linux.go): it is copied out of this
// process into a file of its own and never called here. It works through a table
// of system calls at a fixed address, eight words a step: number, six arguments,
// and the code with which it ends when the call fails (0: it goes on). A negative
// number is the last step: descriptor and path of the program that takes its
// place, with its own arguments and environment, which the kernel has put on the
// stack.
TEXT ·stub(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ SP, R12
	MOVQ $0x20000000, BX // tableAt

next:
	MOVQ 0(BX), AX
	MOVQ 8(BX), DI
	MOVQ 16(BX), SI
	TESTQ AX, AX
	JLT program
	MOVQ 24(BX), DX
	MOVQ 32(BX), R10
	MOVQ 40(BX), R8
	MOVQ 48(BX), R9
	SYSCALL
	CMPQ AX, $-4095
	JCS good
	MOVQ 56(BX), DI
	TESTQ DI, DI
	JEQ good

fail:
	MOVQ $231, AX // exit_group
	SYSCALL

good:
	ADDQ $64, BX
	JMP next

program:
	MOVQ 0(R12), R10 // argc
	LEAQ 8(R12), DX // argv
	LEAQ 16(R12)(R10*8), R10 // envp
	MOVQ $0x1000, R8 // AT_EMPTY_PATH
	MOVQ $322, AX // execveat
	SYSCALL
	MOVQ 56(BX), DI
	JMP fail

// func stubAddress() *byte
TEXT ·stubAddress(SB), NOSPLIT, $0-8
	LEAQ ·stub(SB), AX
	MOVQ AX, ret+0(FP)
	RET
